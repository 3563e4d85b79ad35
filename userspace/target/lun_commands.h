/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two functions of every command, as the table (lun_table.c) names them: prepare and run of
 * struct lun_command. Grouped by the file that has them.
 */
#ifndef TARGET_LUN_COMMANDS_H
#define TARGET_LUN_COMMANDS_H

#include "target/task.h"

/* lun_rw.c */
bool read_prepare(struct task *task);
void read_run(struct task *task);
bool write_prepare(struct task *task);
void write_run(struct task *task);
bool range_prepare(struct task *task); /* SYNCHRONIZE CACHE, PRE-FETCH */
void synchronize_cache_run(struct task *task);

/* lun_verify.c */
bool verify_prepare(struct task *task);
void verify_run(struct task *task);
void write_and_verify_run(struct task *task);
bool compare_and_write_prepare(struct task *task);
void compare_and_write_run(struct task *task);

/* lun_write_same.c */
bool write_same_prepare(struct task *task);
void write_same_run(struct task *task);

/* lun_unmap.c */
bool unmap_prepare(struct task *task);
void unmap_run(struct task *task);
bool get_lba_status_prepare(struct task *task);
void get_lba_status_run(struct task *task);

/* lun_inquiry.c */
bool inquiry_prepare(struct task *task);
void inquiry_run(struct task *task);

/* lun_mode.c */
bool mode_sense_prepare(struct task *task);
void mode_sense_run(struct task *task);
bool mode_select_prepare(struct task *task);
void mode_select_run(struct task *task);

/* lun_provisioning.c */
bool log_sense_prepare(struct task *task);
void log_sense_run(struct task *task);

/* lun_report.c */
bool request_sense_prepare(struct task *task);
void request_sense_run(struct task *task);
bool report_luns_prepare(struct task *task);
void report_luns_run(struct task *task);
bool read_capacity_10_prepare(struct task *task);
void read_capacity_10_run(struct task *task);
bool read_capacity_16_prepare(struct task *task);
void read_capacity_16_run(struct task *task);
void start_stop_unit_run(struct task *task);

/* lun_supported.c */
bool report_operation_codes_prepare(struct task *task);
void report_operation_codes_run(struct task *task);
bool report_functions_prepare(struct task *task);
void report_functions_run(struct task *task);

#endif
