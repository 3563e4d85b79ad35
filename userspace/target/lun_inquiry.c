/* SPDX-License-Identifier: GPL-2.0-or-later */
/* INQUIRY (SPC-4, 6.4): the standard data, and one function for each vital product data page. */
#include "base/bytes.h"
#include "base/compiler.h"
#include "target/lun_commands.h"
#include "target/lun_state.h"

_Static_assert(INQUIRY_LEN_MAX <= LUN_PARAMETER_BYTES, "every page can be returned");

static size_t supported_encode(const struct task *task, uint8_t *page)
{
	(void)task;
	return vpd_encode_supported_pages(page);
}

static size_t serial_encode(const struct task *task, uint8_t *page)
{
	return vpd_encode_serial(page, &task->lun->settings.uuid);
}

static size_t identification_encode(const struct task *task, uint8_t *page)
{
	struct vpd_names names = {
		.uuid = task->lun->settings.uuid,
		.label = task->lun->settings.label,
		.target_name = task->lun->settings.target_name,
		.target_port = task->nexus->names.target_port,
	};

	return vpd_encode_identification(page, &names);
}

static size_t limits_encode(const struct task *task, uint8_t *page)
{
	return vpd_encode_limits(page, &task->lun->vpd_limits);
}

static size_t characteristics_encode(const struct task *task, uint8_t *page)
{
	(void)task;
	return vpd_encode_characteristics(page);
}

static size_t provisioning_encode(const struct task *task, uint8_t *page)
{
	return vpd_encode_provisioning(page, task->lun->limits.is_thin,
				       lun_threshold_exponent(task->lun));
}

static const struct {
	uint8_t code;
	size_t (*encode)(const struct task *task, uint8_t *page);
} vpd_pages[] = {
	{VPD_SUPPORTED_PAGES, supported_encode},
	{VPD_UNIT_SERIAL_NUMBER, serial_encode},
	{VPD_DEVICE_IDENTIFICATION, identification_encode},
	{VPD_BLOCK_LIMITS, limits_encode},
	{VPD_BLOCK_DEVICE_CHARACTERISTICS, characteristics_encode},
	{VPD_LOGICAL_BLOCK_PROVISIONING, provisioning_encode},
};

bool inquiry_prepare(struct task *task)
{
	bool is_vpd = task->cdb[1] & 0x01;

	if (!is_vpd && task->cdb[2] != 0)
		return task_refuse_field(task, 2, 7);
	return task_prepare_return(task, get_be16(task->cdb + 3));
}

void inquiry_run(struct task *task)
{
	bool is_vpd = task->cdb[1] & 0x01;
	uint8_t page[INQUIRY_LEN_MAX];

	if (!is_vpd) {
		task_return(task, page, inquiry_encode_standard(page));
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(vpd_pages); i++) {
		if (vpd_pages[i].code == task->cdb[2]) {
			task_return(task, page, vpd_pages[i].encode(task, page));
			return;
		}
	}
	task_refuse_field(task, 2, 7);
	lun_task_end(task);
}
