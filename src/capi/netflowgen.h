/* The C interface of NetFlowGen, for programs in other languages: datagrams to flows, and flows or frames to scores and alerts.
 *
 * Rules for all of it:
 * 1. No function throws, prints, reads the clock or ends the process because of what it is given. What a network peer sent may
 *    be anything; what it makes the library keep is bounded.
 * 2. A function that can fail returns an nfg_status, and nfg_last_error() says what, where and what to do. A call that fails
 *    has changed nothing, unless its comment says otherwise.
 * 3. A handle is for one thread at a time. Different handles may be used by different threads at once. nfg_last_error() is the
 *    calling thread's. A process that forks uses its engines in one of the two only.
 * 4. A pointer that a function gives for reading is valid until the next call with that handle.
 * 5. Structures of options begin with their own size. Set it, and set what is not used to zero, as
 *    `nfg_engine_options options = {.size = sizeof options};` does.
 * 6. Times are Unix times in milliseconds, UTC.
 *
 * docs/cpp.md is the guide, examples/go and examples/rust use it, docs/compatibility.md says what stays as it is.
 */
#ifndef NETFLOWGEN_H
#define NETFLOWGEN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised when a program that was compiled with an older header would not work. Compare it with nfg_abi_version(). */
#define NFG_ABI_VERSION 1

uint32_t nfg_abi_version(void);
const char* nfg_version(void); /* "0.3.0" */

typedef enum nfg_status {
  NFG_OK = 0,
  NFG_END = 1,     /* there is nothing more to read */
  NFG_INVALID = 2, /* an argument makes no sense */
  NFG_FAILED = 3,  /* a file, a model, the system */
  NFG_FULL = 4,    /* results wait to be read: read them and call again */
  NFG_NO_MEMORY = 5,
  NFG_INTERNAL = 6 /* an error of the library */
} nfg_status;

/* Of the last function that failed in this thread; "" before the first. Valid until the next one fails. Never NULL. */
const char* nfg_last_error(void);

/* ---- Flows ---- */

/* Bits of nfg_flow.known. A group without its bit is missing, and its fields are zero. Missing is not zero. */
enum {
  NFG_KNOWN_BYTES = 1 << 0,
  NFG_KNOWN_PACKETS = 1 << 1,
  NFG_KNOWN_PORTS = 1 << 2,
  NFG_KNOWN_PROTOCOL = 1 << 3,
  NFG_KNOWN_TCP_FLAGS = 1 << 4,
  NFG_KNOWN_DURATION = 1 << 5, /* end_ms was given; else it is start_ms */
  NFG_KNOWN_INTERFACES = 1 << 6,
  NFG_KNOWN_AS = 1 << 7,
  NFG_KNOWN_FRAGMENT = 1 << 8,
  NFG_KNOWN_SAMPLING = 1 << 9, /* the exporter announced `sampling` */
  NFG_KNOWN_TOS = 1 << 10,
  NFG_KNOWN_NAT = 1 << 11,
  NFG_KNOWN_VLAN = 1 << 12,
  NFG_KNOWN_MPLS = 1 << 13,
  NFG_KNOWN_MASKS = 1 << 14,
  NFG_KNOWN_ICMP = 1 << 15,
  NFG_KNOWN_NEXT_HOP = 1 << 16,
  NFG_KNOWN_ADDRESSES = 1 << 17, /* src and dst */
  NFG_KNOWN_EVENT = 1 << 18,     /* an event of a firewall or NAT */
  NFG_KNOWN_VRF = 1 << 19,
  NFG_KNOWN_MAC = 1 << 20,
  NFG_KNOWN_DIRECTION = 1 << 21,
  NFG_KNOWN_TTL = 1 << 22
};

/* One flow record. Addresses are in network order; IPv4 is ::ffff:a.b.c.d. A flow of your own needs sampling >= 1, and flows:
 * 1, or how many flows it is the sum of. */
typedef struct nfg_flow {
  int64_t start_ms;
  int64_t end_ms;
  int64_t received_ms; /* when the collector received it; end_ms where that is not known */
  uint8_t src[16];
  uint8_t dst[16];
  uint8_t exporter[16];
  uint8_t next_hop[16];
  uint8_t nat_src[16];
  uint8_t nat_dst[16];
  uint64_t bytes; /* as exported: one packet in `sampling` was counted */
  uint64_t packets;
  uint32_t sampling;
  uint32_t flows;
  uint32_t known;
  uint32_t domain; /* observation domain, source id, engine or sub-agent */
  uint32_t in_if;
  uint32_t out_if;
  uint32_t src_as;
  uint32_t dst_as;
  uint32_t vrf_in;
  uint32_t vrf_out;
  uint32_t mpls_label;
  uint16_t src_port;
  uint16_t dst_port;
  uint16_t nat_src_port;
  uint16_t nat_dst_port;
  uint16_t vlan_in;
  uint16_t vlan_out;
  uint16_t icmp_type_code; /* type * 256 + code */
  uint16_t event;          /* firewallEvent or natEvent */
  uint8_t protocol;
  uint8_t tcp_flags;
  uint8_t tos;
  uint8_t ttl;
  uint8_t src_mask;
  uint8_t dst_mask;
  uint8_t direction; /* IPFIX element 61: 0 ingress, 1 egress */
  uint8_t fragment;
  uint8_t version; /* 1, 5, 7, 9, 10 (IPFIX) or 105 (sFlow v5); 0: of a file */
  uint8_t src_mac[6];
  uint8_t dst_mac[6];
} nfg_flow;

/* ---- Decoder: NetFlow v1 to v9, IPFIX and sFlow v5, told apart by content ---- */

typedef struct nfg_decoder nfg_decoder;

typedef struct nfg_decoder_options {
  size_t size;
  size_t max_queued;         /* flows that may wait to be read; 0: 1,048,576 */
  uint32_t sampling_default; /* of exporters that announce none; 0: 1 */
  uint32_t reserved;         /* 0 */
} nfg_decoder_options;

/* `options` may be NULL. Close the decoder with nfg_decoder_close(). */
nfg_status nfg_decoder_open(const nfg_decoder_options* options, nfg_decoder** decoder);

/* One UDP payload of at most 65,535 octets. `source`: the sender's address. received_ms 0: not known. What cannot be decoded
 * is counted, and is no error. NFG_FULL: max_queued flows wait; the datagram was not taken. Datagrams that wait for a template
 * may add their flows when it comes, up to 262,144 of them. */
nfg_status nfg_decoder_decode(nfg_decoder* decoder, const void* payload, size_t size,
                              const uint8_t source[16], uint16_t source_port, int64_t received_ms);

/* Takes up to `capacity` flows, oldest first, and returns how many. 0: none wait, or an argument is NULL. */
size_t nfg_decoder_read(nfg_decoder* decoder, nfg_flow* flows, size_t capacity);

/* Time passes: data that wait too long for their template are dropped, old templates expire. Call it each minute or so. */
nfg_status nfg_decoder_advance(nfg_decoder* decoder, int64_t now_ms);

/* What entered each stage, left it, is held by it and was dropped by reason, as JSON:
 * [{"stage": "datagrams", "in": 9, "out": 8, "held": 0, "drops": {"not_a_protocol": 1}}, ...] */
nfg_status nfg_decoder_counters(nfg_decoder* decoder, const char** json);

/* NULL is allowed. */
void nfg_decoder_close(nfg_decoder* decoder);

/* ---- Engine: every node's series, the model's scores, alerts ---- */

typedef struct nfg_engine nfg_engine;

typedef struct nfg_engine_options {
  size_t size;
  const char* model; /* folder; NULL: that of the variable NETFLOWGEN_MODEL, else the one that is installed */
  const char* policy; /* YAML file of policies; NULL: none */
  const char*
      nodes; /* of flows: "all", "none" or CIDRs, as option --nodes; NULL: those of the model, else all */
  const char* prefixes; /* of flows: "/24,192.0.2.0/23", as option --prefixes; NULL: none */
  int64_t step_ms;      /* length of a step; 0: the model's own */
  int64_t lateness_ms;  /* flows may start so much before the latest one; 0: 120,000 */
  size_t max_nodes;     /* nodes whose state is kept; 0: as many as 4 GiB hold. The least recent go */
  size_t max_queued;    /* scores and alerts that may wait to be read, each; 0: 1,048,576 */
  int32_t threads;      /* 0: one a core */
  int32_t keep_scores;  /* 0: alerts only */
} nfg_engine_options;

/* `options` may be NULL. NFG_FAILED: no model, one that is not calibrated, or a wrong policy. */
nfg_status nfg_engine_open(const nfg_engine_options* options, nfg_engine** engine);

/* Flows in about the order of time. Steps close by themselves when flows come that start lateness_ms after their end. Flows
 * that are late, or of no node that is asked for, are counted. An engine takes flows or frames, not both. NFG_INVALID: a flow
 * with sampling 0; none was taken. NFG_FULL: max_queued scores or alerts wait; none was taken. */
nfg_status nfg_engine_add_flows(nfg_engine* engine, const nfg_flow* flows, size_t count);

/* The features of one node in the step that `time_ms` lies in: nfg_feature_count() values in the order of nfg_feature_name(),
 * NaN where missing. Frames are of one step until it is closed. `node` has 1 to 255 octets, none of them a control
 * character. NFG_INVALID: another step is open, the step was closed, a value is negative or infinite. */
nfg_status nfg_engine_add_frame(nfg_engine* engine, const char* node, int64_t time_ms, const float* values,
                                size_t count);

/* Closes every step that ends at `time_ms` or before: its nodes are scored, and alerts are raised. On a live source call it
 * when time passes without flows. NFG_FULL: as nfg_engine_add_flows. */
nfg_status nfg_engine_close_steps(nfg_engine* engine, int64_t time_ms);

typedef struct nfg_score {
  const char* node;
  int64_t time_ms; /* start of the step */
  const float*
      scores; /* [nfg_engine_task_count()] logits, higher is more likely an attack; NaN: not scored */
  size_t count;
  uint32_t position; /* of the node's, from 0: what the model has seen of it */
  uint32_t reserved;
} nfg_score;

/* Takes the oldest score. Nodes that were active in a step have one each, steps ascend. NFG_END: none waits. */
nfg_status nfg_engine_next_score(nfg_engine* engine, nfg_score* score);

/* Takes the oldest record of an alert or incident: a line of JSON without a newline (docs/formats.md, Alerts). NFG_END: none
 * waits. */
nfg_status nfg_engine_next_alert(nfg_engine* engine, const char** json);

/* Names of the scores, such as "ddos"; NULL: there is no such index. Valid as long as the engine. */
size_t nfg_engine_task_count(const nfg_engine* engine);
const char* nfg_engine_task_name(const nfg_engine* engine, size_t index);

int64_t nfg_engine_step_ms(const nfg_engine* engine);

/* As nfg_decoder_counters. */
nfg_status nfg_engine_counters(nfg_engine* engine, const char** json);

/* NULL is allowed. Open steps are forgotten. */
void nfg_engine_close(nfg_engine* engine);

/* Names of the features of a frame, such as "bytes_in"; NULL: there is no such index. docs/features.md defines them. */
size_t nfg_feature_count(void);
const char* nfg_feature_name(size_t index);

#ifdef __cplusplus
}
#endif

#endif
