/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The answer to a call as the client takes it in: fields of header and trailer, messages, and
 * in the end one result. Knows no connection; is fed by the callbacks of a stream.
 */
#ifndef RPC_ANSWER_H
#define RPC_ANSWER_H

#include "rpc/call.h"
#include "rpc/frame.h"

struct answer {
	const char *server; /* its address, for sentences */
	const ProtobufCMessageDescriptor *type;
	bool (*each)(void *owner, const ProtobufCMessage *message); /* NULL: exactly one message */
	void *owner;

	struct frame_reader reader;
	ProtobufCMessage *reply; /* the one message; whoever takes it frees it */
	unsigned http_status;
	int status; /* grpc-status; -1 until it came */
	char message[sizeof(((struct error *)0)->text)];
	bool is_grpc;
	bool is_given_up; /* by `each`, or because it is bad: nothing more is taken */
	struct error bad;
};

/* The four fields above are set by the caller; the rest begins here. */
void answer_init(struct answer *answer);
void answer_fini(struct answer *answer); /* leaves `reply` */

void answer_header(struct answer *answer, const char *name, const char *value);
void answer_data(struct answer *answer, const uint8_t *data, size_t len);

/*
 * What it comes to when the stream has closed with `close_code` (RFC 9113), or was given up: 0,
 * or a negative errno with the server's sentence, or one about what is wrong with the answer.
 */
int answer_result(const struct answer *answer, uint32_t close_code, struct error *err);

#endif
