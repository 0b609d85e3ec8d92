/* The C interface, from C99: capi MODEL runs the checks; capi MODEL example prints what examples/go and examples/rust print. */
#include <math.h>
#include <netflowgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPECT(x)                                                                           \
  do {                                                                                      \
    if (!(x)) {                                                                             \
      fprintf(stderr, "%s:%d: %s does not hold (%s)\n", __FILE__, __LINE__, #x, nfg_last_error()); \
      exit(1);                                                                              \
    }                                                                                       \
  } while (0)
#define SAYS(text) EXPECT(strstr(nfg_last_error(), text) != NULL)

static const int64_t kStart = 1700000040000; /* the start of a minute */
static const uint8_t kExporter[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 254};

static void put(uint8_t* to, uint64_t value, int octets) {
  for (int i = octets - 1; i >= 0; --i, value >>= 8) to[i] = (uint8_t)value;
}

/* A NetFlow v5 datagram: `count` records of UDP from 192.0.2.(i + 1) to 198.51.100.7. Returns its length. */
static size_t v5(uint8_t* out, int count, uint32_t sequence) {
  memset(out, 0, (size_t)(24 + 48 * count));
  put(out, 5, 2);
  put(out + 2, (uint64_t)count, 2);
  put(out + 4, 600000, 4);                           /* the exporter's time since it started */
  put(out + 8, (uint64_t)(kStart / 1000), 4);
  put(out + 16, sequence, 4);
  for (int i = 0; i < count; ++i) {
    uint8_t* r = out + 24 + 48 * i;
    put(r, 0xc0000201u + (uint32_t)i, 4);
    put(r + 4, 0xc6336407u, 4);
    put(r + 12, 3, 2);
    put(r + 14, 4, 2);
    put(r + 16, 10u + (uint32_t)i, 4);
    put(r + 20, 1000u + (uint32_t)i, 4);
    put(r + 24, 590000, 4);
    put(r + 28, 595000, 4);
    put(r + 32, 53, 2);
    put(r + 34, 4000, 2);
    r[38] = 17;
  }
  return (size_t)(24 + 48 * count);
}

static void print_flow(const nfg_flow* f) {
  printf("flow %d.%d.%d.%d:%d -> %d.%d.%d.%d:%d protocol %d, %llu packets, %llu bytes\n", f->src[12], f->src[13],
         f->src[14], f->src[15], f->src_port, f->dst[12], f->dst[13], f->dst[14], f->dst[15], f->dst_port, f->protocol,
         (unsigned long long)f->packets, (unsigned long long)f->bytes);
}

static nfg_decoder* open_decoder(size_t max_queued) {
  nfg_decoder_options options = {.size = sizeof options};
  nfg_decoder* d = NULL;
  options.max_queued = max_queued;
  EXPECT(nfg_decoder_open(&options, &d) == NFG_OK);
  return d;
}

static void test_names(void) {
  EXPECT(nfg_abi_version() == NFG_ABI_VERSION);
  EXPECT(strchr(nfg_version(), '.') != NULL);
  EXPECT(strcmp(nfg_last_error(), "") == 0);
  EXPECT(nfg_feature_count() > 30);
  EXPECT(strcmp(nfg_feature_name(0), "bytes_in") == 0);
  EXPECT(nfg_feature_name(nfg_feature_count()) == NULL);
}

static void test_decoder(void) {
  uint8_t bytes[24 + 48 * 30];
  nfg_flow flows[40];
  const char* json = NULL;
  nfg_decoder* d = open_decoder(0);
  EXPECT(nfg_decoder_read(d, flows, 40) == 0);
  EXPECT(nfg_decoder_decode(d, bytes, v5(bytes, 3, 0), kExporter, 2055, kStart) == NFG_OK);
  EXPECT(nfg_decoder_read(d, flows, 2) == 2); /* in parts */
  EXPECT(nfg_decoder_read(d, flows + 2, 38) == 1);
  for (int i = 0; i < 3; ++i) {
    const nfg_flow* f = &flows[i];
    EXPECT(f->src[12] == 192 && f->src[15] == i + 1 && f->src[11] == 0xff && f->dst[15] == 7);
    EXPECT(memcmp(f->exporter, kExporter, 16) == 0);
    EXPECT(f->src_port == 53 && f->dst_port == 4000 && f->protocol == 17 && f->version == 5);
    EXPECT(f->packets == 10u + (unsigned)i && f->bytes == 1000u + (unsigned)i && f->sampling == 1 && f->flows == 1);
    EXPECT((f->known & NFG_KNOWN_BYTES) && (f->known & NFG_KNOWN_ADDRESSES) && !(f->known & NFG_KNOWN_MAC));
    EXPECT(f->in_if == 3 && f->out_if == 4 && f->received_ms == kStart);
    EXPECT(f->start_ms == kStart - 10000 && f->end_ms == kStart - 5000);
  }
  EXPECT(nfg_decoder_decode(d, "what is this", 12, kExporter, 2055, kStart) == NFG_OK); /* counted */
  EXPECT(nfg_decoder_decode(d, NULL, 0, kExporter, 2055, kStart) == NFG_OK);
  EXPECT(nfg_decoder_advance(d, kStart + 60000) == NFG_OK);
  EXPECT(nfg_decoder_counters(d, &json) == NFG_OK);
  EXPECT(strstr(json, "{\"stage\":\"datagrams\",\"in\":3,\"out\":1,\"held\":0,\"drops\":{") != NULL);
  nfg_decoder_close(d);
  nfg_decoder_close(NULL);
}

static void test_decoder_bounds(void) {
  static uint8_t huge[65536];
  uint8_t bytes[24 + 48 * 30];
  nfg_flow flows[40];
  nfg_decoder* d = open_decoder(10);
  nfg_decoder_options options = {.size = sizeof options};
  EXPECT(nfg_decoder_decode(d, bytes, v5(bytes, 30, 0), kExporter, 2055, kStart) == NFG_OK);
  EXPECT(nfg_decoder_decode(d, bytes, v5(bytes, 30, 30), kExporter, 2055, kStart) == NFG_FULL);
  SAYS("nfg_decoder_read");
  EXPECT(nfg_decoder_read(d, flows, 40) == 30);
  EXPECT(nfg_decoder_decode(d, bytes, v5(bytes, 30, 30), kExporter, 2055, kStart) == NFG_OK);
  EXPECT(nfg_decoder_read(d, flows, 40) == 30);
  EXPECT(nfg_decoder_decode(d, huge, sizeof huge, kExporter, 2055, kStart) == NFG_INVALID);
  EXPECT(nfg_decoder_decode(d, huge, sizeof huge - 1, kExporter, 2055, kStart) == NFG_OK);
  EXPECT(nfg_decoder_decode(d, NULL, 1, kExporter, 2055, kStart) == NFG_INVALID);
  EXPECT(nfg_decoder_decode(d, bytes, 10, NULL, 2055, kStart) == NFG_INVALID);
  EXPECT(nfg_decoder_decode(d, bytes, 10, kExporter, 2055, -1) == NFG_INVALID);
  EXPECT(nfg_decoder_decode(d, bytes, 10, kExporter, 2055, INT64_MAX) == NFG_INVALID);
  EXPECT(nfg_decoder_advance(d, INT64_MIN) == NFG_INVALID);
  EXPECT(nfg_decoder_decode(NULL, bytes, 10, kExporter, 2055, kStart) == NFG_INVALID);
  EXPECT(nfg_decoder_read(NULL, flows, 1) == 0 && nfg_decoder_read(d, NULL, 1) == 0);
  EXPECT(nfg_decoder_counters(d, NULL) == NFG_INVALID && nfg_decoder_open(NULL, NULL) == NFG_INVALID);
  nfg_decoder_close(d);
  options.size = 0;
  EXPECT(nfg_decoder_open(&options, &d) == NFG_INVALID);
  SAYS("size");
  options.size = sizeof options + 8;
  EXPECT(nfg_decoder_open(&options, &d) == NFG_INVALID);
  SAYS("newer");
  options.size = sizeof(size_t); /* a program that knows no option */
  EXPECT(nfg_decoder_open(&options, &d) == NFG_OK);
  nfg_decoder_close(d);
}

static nfg_engine* open_engine(const char* model, size_t max_queued) {
  nfg_engine_options options = {.size = sizeof options};
  nfg_engine* e = NULL;
  options.model = model;
  options.nodes = "192.0.2.0/24";
  options.step_ms = 60000;
  options.threads = 1;
  options.keep_scores = 1;
  options.max_queued = max_queued;
  if (nfg_engine_open(&options, &e) != NFG_OK) {
    fprintf(stderr, "nfg_engine_open: %s\n", nfg_last_error());
    exit(1);
  }
  return e;
}

/* One minute of a server: clients that ask it, and answers. With `flood`, 3,000 packets of as many sources as well. */
static size_t minute(nfg_flow* flows, int number, int flood) {
  size_t n = 0;
  const int clients = 20 + number * 7 % 5;
  for (int i = 0; i < clients + (flood ? 3000 : 0); ++i) {
    for (int answer = 0; answer < (i < clients ? 2 : 1); ++answer) {
      nfg_flow* f = &flows[n++];
      uint8_t server[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1};
      uint8_t client[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 198, 51, 0, 0};
      memset(f, 0, sizeof *f);
      client[14] = (uint8_t)(i / 250);
      client[15] = (uint8_t)(i % 250 + 1);
      memcpy(answer ? f->dst : f->src, client, 16);
      memcpy(answer ? f->src : f->dst, server, 16);
      f->start_ms = kStart + number * 60000 + i % 50 * 1000;
      f->end_ms = f->received_ms = f->start_ms + 500;
      f->sampling = f->flows = 1;
      f->known = NFG_KNOWN_BYTES | NFG_KNOWN_PACKETS | NFG_KNOWN_PORTS | NFG_KNOWN_PROTOCOL | NFG_KNOWN_TCP_FLAGS |
                 NFG_KNOWN_DURATION | NFG_KNOWN_ADDRESSES;
      f->packets = i < clients ? 10 : 1;
      f->bytes = i < clients ? (answer ? 9000 : 900) : 60;
      f->src_port = answer ? 443 : (uint16_t)(40000 + i);
      f->dst_port = answer ? (uint16_t)(40000 + i) : 443;
      f->protocol = 6;
      f->tcp_flags = i < clients ? 0x1b : 0x02;
    }
  }
  return n;
}

/* 100 quiet minutes, then 5 of a flood. Returns the records of alerts. */
static int run_flows(nfg_engine* e, int print) {
  static nfg_flow flows[4000];
  const char* json = NULL;
  nfg_score score;
  int alerts = 0, scores = 0, last = 0;
  float quiet = 0, flooded = 0;
  for (int m = 0; m < 105; ++m) {
    EXPECT(nfg_engine_add_flows(e, flows, minute(flows, m, m >= 100)) == NFG_OK);
    EXPECT(nfg_engine_close_steps(e, kStart + (m + 1) * 60000) == NFG_OK);
    while (nfg_engine_next_score(e, &score) == NFG_OK) {
      EXPECT(strcmp(score.node, "192.0.2.1") == 0 && score.count == nfg_engine_task_count(e));
      EXPECT(score.time_ms == kStart + scores * 60000 && score.position == (uint32_t)scores);
      *(m >= 100 ? &flooded : &quiet) = score.scores[0];
      last = m;
      ++scores;
    }
    while (nfg_engine_next_alert(e, &json) == NFG_OK) {
      EXPECT(json[0] == '{' && strstr(json, "192.0.2.1") != NULL && strchr(json, '\n') == NULL);
      if (print) printf("alert in minute %d\n", m);
      ++alerts;
    }
  }
  EXPECT(scores == 105 && last == 104); /* each minute was scored when it was closed */
  EXPECT(flooded > quiet);
  if (print) printf("%s: %.3f in the last quiet minute, %.3f in the flood\n", nfg_engine_task_name(e, 0), quiet, flooded);
  return alerts;
}

static void test_flows(const char* model) {
  const char* json = NULL;
  nfg_flow flow;
  nfg_engine* e = open_engine(model, 0);
  float frame[64] = {0};
  EXPECT(nfg_engine_step_ms(e) == 60000);
  EXPECT(nfg_engine_task_count(e) > 0 && nfg_engine_task_name(e, nfg_engine_task_count(e)) == NULL);
  EXPECT(run_flows(e, 0) > 0);
  memset(&flow, 0, sizeof flow);
  EXPECT(nfg_engine_add_flows(e, &flow, 1) == NFG_INVALID);
  SAYS("sampling");
  EXPECT(nfg_engine_add_frame(e, "a", kStart + 200 * 60000, frame, nfg_feature_count()) == NFG_INVALID);
  SAYS("not both");
  EXPECT(nfg_engine_counters(e, &json) == NFG_OK && strstr(json, "\"stage\":\"frames scored\",\"in\":105,\"out\":105") != NULL);
  nfg_engine_close(e);
}

static void test_frames(const char* model) {
  nfg_score score;
  float frame[64];
  const size_t n = nfg_feature_count();
  nfg_engine* e = open_engine(model, 2);
  for (size_t i = 0; i < n; ++i) frame[i] = NAN; /* nothing is known but one volume */
  frame[0] = 1000;
  EXPECT(nfg_engine_add_frame(e, "vm 1", kStart, frame, n) == NFG_OK);
  EXPECT(nfg_engine_add_frame(e, "vm 2", kStart + 59999, frame, n) == NFG_OK);
  EXPECT(nfg_engine_add_frame(e, "vm 1", kStart + 60000, frame, n) == NFG_INVALID);
  SAYS("close it");
  EXPECT(nfg_engine_close_steps(e, kStart + 59999) == NFG_OK && nfg_engine_next_score(e, &score) == NFG_END);
  EXPECT(nfg_engine_close_steps(e, kStart + 60000) == NFG_OK);
  EXPECT(nfg_engine_add_frame(e, "vm 1", kStart + 60000, frame, n) == NFG_FULL);
  EXPECT(nfg_engine_next_score(e, &score) == NFG_OK && strcmp(score.node, "vm 1") == 0 && score.time_ms == kStart);
  EXPECT(nfg_engine_next_score(e, &score) == NFG_OK && strcmp(score.node, "vm 2") == 0);
  EXPECT(nfg_engine_next_score(e, &score) == NFG_END);
  EXPECT(nfg_engine_add_frame(e, "vm 1", kStart, frame, n) == NFG_INVALID);
  SAYS("was closed");
  EXPECT(nfg_engine_add_frame(e, "", kStart + 60000, frame, n) == NFG_INVALID);
  EXPECT(nfg_engine_add_frame(e, "a\nb", kStart + 60000, frame, n) == NFG_INVALID);
  EXPECT(nfg_engine_add_frame(e, "vm 1", kStart + 60000, frame, n - 1) == NFG_INVALID);
  EXPECT(nfg_engine_add_frame(e, "vm 1", INT64_MAX, frame, n) == NFG_INVALID);
  frame[1] = -1;
  EXPECT(nfg_engine_add_frame(e, "vm 1", kStart + 60000, frame, n) == NFG_INVALID);
  frame[1] = INFINITY;
  EXPECT(nfg_engine_add_frame(e, "vm 1", kStart + 60000, frame, n) == NFG_INVALID);
  frame[1] = 3e38f;
  EXPECT(nfg_engine_add_frame(e, "vm 1", kStart + 60000, frame, n) == NFG_OK);
  EXPECT(nfg_engine_close_steps(e, INT64_MAX) == NFG_INVALID);
  EXPECT(nfg_engine_close_steps(e, kStart + 3600000) == NFG_OK); /* an hour of silence */
  EXPECT(nfg_engine_next_score(e, &score) == NFG_OK && score.count > 0);
  EXPECT(nfg_engine_next_score(NULL, &score) == NFG_INVALID);
  nfg_engine_close(e);
  nfg_engine_close(NULL);
}

static void test_engine_errors(const char* model) {
  nfg_engine_options options = {.size = sizeof options};
  nfg_engine* e = NULL;
  options.model = "/nowhere/at/all";
  EXPECT(nfg_engine_open(&options, &e) == NFG_FAILED && e == NULL);
  SAYS("/nowhere/at/all");
  options.model = model;
  options.nodes = "not a prefix";
  EXPECT(nfg_engine_open(&options, &e) == NFG_INVALID);
  options.nodes = "none";
  EXPECT(nfg_engine_open(&options, &e) == NFG_INVALID);
  options.nodes = NULL;
  options.step_ms = -1;
  EXPECT(nfg_engine_open(&options, &e) == NFG_INVALID);
  options.step_ms = 60000;
  options.policy = "/nowhere.yaml";
  EXPECT(nfg_engine_open(&options, &e) == NFG_FAILED);
  EXPECT(nfg_engine_open(&options, NULL) == NFG_INVALID);
}

static int example(const char* model) {
  uint8_t bytes[24 + 48 * 30];
  nfg_flow flows[8];
  nfg_decoder* d = open_decoder(0);
  nfg_engine* e = open_engine(model, 0);
  EXPECT(nfg_decoder_decode(d, bytes, v5(bytes, 2, 0), kExporter, 2055, kStart) == NFG_OK);
  for (size_t i = 0, n = nfg_decoder_read(d, flows, 8); i < n; ++i) print_flow(&flows[i]);
  nfg_decoder_close(d);
  run_flows(e, 1);
  nfg_engine_close(e);
  return 0;
}

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  if (argc > 2) return example(argv[1]);
  test_names();
  test_decoder();
  test_decoder_bounds();
  test_flows(argv[1]);
  test_frames(argv[1]);
  test_engine_errors(argv[1]);
  puts("the C interface does what its header says");
  return 0;
}
