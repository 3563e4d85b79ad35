/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/finding.h"

#include <assert.h>

#define REPAIR "berth-node repair PATH"

static const struct finding_text texts[FINDING_KINDS] = {
	[FINDING_SUPER] = {"damaged superblock",
			   "One of the two copies is damaged; the pool opens with the other.",
			   "The next opening writes both anew; watch the disk."},
	[FINDING_CATALOGUE] = {"damaged catalogue",
			       "The pool does not open: volumes that are recorded there cannot be "
			       "known.",
			       "Restore the disk if you can, else " REPAIR "."},
	[FINDING_BITMAP] = {"damaged bitmap",
			    "The pool does not open: what is free there cannot be known. No data "
			    "is lost.",
			    REPAIR " counts anew."},
	[FINDING_INDEX] = {"damaged index page",
			   "What lies below it (15.5 GiB of a volume and more) answers an error.",
			   REPAIR " finds the pages below again where it can prove them."},
	[FINDING_LEAF] = {"damaged leaf", "31.5 MiB of a volume answer an error.",
			  "Restore the disk if you can, else " REPAIR " accepts the loss."},
	[FINDING_WORD] = {"impossible word",
			  "A leaf says what cannot be: its 31.5 MiB answer an error.",
			  REPAIR " accepts the loss; and report it, for no disk does this."},
	[FINDING_JOURNAL] = {"damaged journal",
			     "What was committed from there on is not seen when the pool opens.",
			     "Do not open it: " REPAIR " first."},
	[FINDING_RECORD] = {"impossible record",
			    "The pool does not open: the catalogue says what cannot be.", REPAIR},
	[FINDING_HEAD] = {"volume without a layer",
			  "The pool does not open: where the volume's data lies is not known.",
			  REPAIR},
	[FINDING_PARENT] = {"layer without a parent",
			    "The pool does not open: what the layer inherits is not known.",
			    REPAIR},
	[FINDING_NAME] = {"name taken twice",
			  "Which one is meant cannot be known; the data of both is there.", REPAIR},
	[FINDING_COUNT_MAPPED] = {"wrong count of extents",
				  "Space is reported wrongly. No data is lost.", REPAIR},
	[FINDING_COUNT_SHADOWED] = {"wrong count of shadowed extents",
				    "What a deletion would give back is reported wrongly.", REPAIR},
	[FINDING_EXTENT_DOUBLED] = {"extent with two owners",
				    "A write to one of them overwrites the other.",
				    "Do not open the pool: " REPAIR " first; and report it."},
	[FINDING_EXTENT_LEAKED] = {"leaked extent", "Space is lost. No data is.", REPAIR},
	[FINDING_EXTENT_UNCLAIMED] = {"extent not in the bitmap",
				      "The leaf that has it answers an error.", REPAIR},
	[FINDING_SLOT_DOUBLED] = {"page in two places", "Two places have one metadata page.",
				  REPAIR},
	[FINDING_SLOT_LEAKED] = {"leaked slot", "Room for metadata is lost. No data is.", REPAIR},
	[FINDING_SLOT_UNCLAIMED] = {"slot not in the bitmap",
				    "The next checkpoint may overwrite a page in use.",
				    "Do not open the pool: " REPAIR " first; and report it."},
};

const struct finding_text *finding_text(enum finding_kind kind)
{
	assert(kind < FINDING_KINDS);
	return &texts[kind];
}
