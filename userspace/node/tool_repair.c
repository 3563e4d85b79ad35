/* SPDX-License-Identifier: GPL-2.0-or-later */
/* berth-node repair: asks store/repair, tells what was found and what was decided. */
#include <inttypes.h>
#include <stdio.h>

#include "base/size.h"
#include "node/tool.h"
#include "store/repair.h"

#define LEAF_BYTES ((uint64_t)FORMAT_WORDS * STORE_EXTENT_BYTES)

static void on_found(void *owner, const struct finding *finding)
{
	if (finding->byte == FINDING_NO_BYTE)
		printf("found    %s: %s\n", finding_text(finding->kind)->name, finding->text);
	else
		printf("found    %s at byte %" PRIu64 ": %s\n", finding_text(finding->kind)->name,
		       finding->byte, finding->text);
}

static void on_did(void *owner, const char *sentence)
{
	printf("decided  %s\n", sentence);
}

static void print_result(const struct repair_report *report, const struct tool_call *call)
{
	char lost[SIZE_TEXT_MAX];

	printf("\n%" PRIu64 " findings; ", report->findings);
	if (report->lost_leaves > 0 || report->lost_layers > 0)
		printf("%s of volumes and %" PRIu64 " whole layers answer an error now\n",
		       size_format(report->lost_leaves * LEAF_BYTES, lost), report->lost_layers);
	else
		printf("no data is lost\n");
	if (report->found_again > 0)
		printf("%" PRIu64 " pages whose place was lost were found again\n",
		       report->found_again);
	if (call->is_dry_run) {
		printf("nothing was written: this was a dry run\n");
		return;
	}
	printf("%" PRIu64 " pages were written beside the old ones. The pool opens read-only "
	       "until you decide:\n"
	       "  berth-node repair --keep %s    accept the repair, forget what was before\n"
	       "  berth-node repair --undo %s    go back to what was before\n",
	       report->pages_written, call->path, call->path);
}

static int repair_run(struct tool_disk *disk, const struct tool_call *call, struct error *err)
{
	const struct repair_settings settings = {
		.boot_id = disk->boot_id,
		.is_dry_run = call->is_dry_run,
		.found = on_found,
		.did = on_did,
	};
	struct repair_report report;
	int ret = repair_pool(&disk->offline, &settings, &report, err);

	if (ret == 0)
		printf("sound: there is nothing to repair, and nothing was written\n");
	else if (ret == 1)
		print_result(&report, call);
	return ret;
}

static int decide(struct tool_disk *disk, const struct tool_call *call, struct error *err)
{
	int ret =
		call->is_kept ? repair_keep(&disk->offline, err) : repair_undo(&disk->offline, err);

	if (ret == 0)
		printf(call->is_kept ? "the repair is accepted: the pool opens for writing again\n"
				     : "the pool is as it was before the repair\n");
	return ret;
}

int tool_repair(const struct tool_call *call)
{
	struct tool_disk disk;
	struct error err;
	int ret;

	if (call->is_kept + call->is_undone + call->is_dry_run > 1) {
		fprintf(stderr, "berth-node repair: only one of --keep, --undo and --dry-run makes "
				"sense\n");
		return TOOL_CANNOT;
	}
	ret = tool_disk_open(&disk, call->path, &err);
	if (ret == 0) {
		if (call->is_kept || call->is_undone)
			ret = decide(&disk, call, &err);
		else
			ret = repair_run(&disk, call, &err);
		tool_disk_close(&disk);
	}
	if (ret >= 0)
		return ret > 0 ? TOOL_FINDINGS : TOOL_CLEAN;
	fprintf(stderr, "berth-node repair: %s\n", err.text);
	return TOOL_CANNOT;
}
