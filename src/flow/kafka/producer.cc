// The producer over librdkafka (C API; Debian's 2.0.2).
#ifdef NETFLOWGEN_KAFKA
#include "flow/kafka/producer.h"

#include <librdkafka/rdkafka.h>

#include <utility>

#include "base/error.h"
#include "flow/kafka/property.h"

namespace netflowgen::flow {
namespace {

constexpr size_t kErrorBytes = 512;

struct Free {
  void operator()(rd_kafka_conf_t* p) const { rd_kafka_conf_destroy(p); }
  void operator()(rd_kafka_topic_t* p) const { rd_kafka_topic_destroy(p); }
  void operator()(const rd_kafka_metadata_t* p) const { rd_kafka_metadata_destroy(p); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

bool is_final(rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return true;
    default:
      return false;
  }
}

class Producer : public KafkaProducer {
 public:
  explicit Producer(const KafkaUrl& url) : url_(url) { open(); }
  ~Producer() override { close(); }

  uint32_t partitions(int wait_ms) override {
    const Owned<rd_kafka_topic_t> topic(rd_kafka_topic_new(kafka_, url_.topic.c_str(), nullptr));
    const rd_kafka_metadata_t* raw = nullptr;
    const auto code = rd_kafka_metadata(kafka_, 0, topic.get(), &raw, wait_ms);
    const Owned<const rd_kafka_metadata_t> metadata(raw);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
      if (problem_.empty()) problem_ = rd_kafka_err2str(code);
      return 0;
    }
    problem_.clear();
    if (metadata->topic_cnt != 1 || metadata->topics[0].err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
      throw base::Error("{}: there is no such topic; make it with the partitions that the detectors share",
                        url_.name());
    if (metadata->topics[0].err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
      throw base::Error("{}: {}", url_.name(), rd_kafka_err2str(metadata->topics[0].err));
    return static_cast<uint32_t>(metadata->topics[0].partition_cnt);
  }

  bool send(uint64_t id, int32_t partition, std::string_view key, base::Bytes value) override {
    const auto code =
        rd_kafka_producev(kafka_, RD_KAFKA_V_TOPIC(url_.topic.c_str()), RD_KAFKA_V_PARTITION(partition),
                          RD_KAFKA_V_KEY(key.data(), key.size()),
                          RD_KAFKA_V_VALUE(const_cast<uint8_t*>(value.data()), value.size()),
                          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                          RD_KAFKA_V_OPAQUE(reinterpret_cast<void*>(id)), RD_KAFKA_V_END);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return true;
    if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL) return false;
    tell(id, code);  // at the next poll()
    return true;
  }

  std::vector<KafkaDelivery> poll(int wait_ms) override {
    if (kafka_ == nullptr) open();
    rd_kafka_poll(kafka_, told_.empty() ? wait_ms : 0);
    if (char text[kErrorBytes];
        rd_kafka_fatal_error(kafka_, text, sizeof text) != RD_KAFKA_RESP_ERR_NO_ERROR) {
      problem_ = text;
      rd_kafka_purge(kafka_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
      rd_kafka_flush(kafka_, 1'000);  // every record gets its report
      close();
      open();  // a session of its own, which numbers anew
    }
    return std::exchange(told_, {});
  }

  std::string problem() const override { return problem_; }

 private:
  void open() {
    Owned<rd_kafka_conf_t> conf(rd_kafka_conf_new());
    const auto set = [&](const std::string& name, const std::string& value) {
      set_property(conf.get(), url_, name, value);
    };
    set("client.id", "netflowgen");
    set("compression.codec", "lz4");
    set("linger.ms", "20");
    for (const auto& [name, value] : url_.properties) set(name, value);
    set("bootstrap.servers", url_.brokers);
    set("enable.idempotence", "true");
    set("message.timeout.ms", "0");  // the queue in front of it bounds what waits
    rd_kafka_conf_set_opaque(conf.get(), this);
    rd_kafka_conf_set_dr_msg_cb(conf.get(), [](rd_kafka_t*, const rd_kafka_message_t* m, void* self) {
      static_cast<Producer*>(self)->tell(reinterpret_cast<uint64_t>(m->_private), m->err);
    });
    rd_kafka_conf_set_error_cb(conf.get(), [](rd_kafka_t*, int code, const char* reason, void* self) {
      static_cast<Producer*>(self)->error(static_cast<rd_kafka_resp_err_t>(code), reason);
    });
    rd_kafka_conf_set_log_cb(conf.get(), [](const rd_kafka_t*, int, const char*, const char*) {});
    char text[kErrorBytes];
    kafka_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf.get(), text, sizeof text);
    if (kafka_ == nullptr)
      throw base::UsageError("{}: librdkafka refuses the properties: {}", url_.name(), text);
    conf.release();  // NOLINT: rd_kafka_new took it
  }

  void close() {
    if (kafka_ == nullptr) return;
    rd_kafka_purge(kafka_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_destroy(std::exchange(kafka_, nullptr));
  }

  void tell(uint64_t id, rd_kafka_resp_err_t code) {
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
      problem_.clear();
      told_.push_back({id, KafkaDelivery::Outcome::kTaken, ""});
    } else {
      const auto outcome = is_final(code) ? KafkaDelivery::Outcome::kRefused : KafkaDelivery::Outcome::kAgain;
      told_.push_back({id, outcome, rd_kafka_err2str(code)});
    }
  }

  void error(rd_kafka_resp_err_t code, const char* reason) {
    const std::string text = explained(reason != nullptr ? reason : rd_kafka_err2str(code));
    if (code == RD_KAFKA_RESP_ERR__TRANSPORT) {
      detail_ = text;
    } else if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
      problem_ = detail_.empty() ? text : detail_;
    } else if (code != RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS) {
      problem_ = text;
    }
  }

  KafkaUrl url_;
  rd_kafka_t* kafka_ = nullptr;
  std::vector<KafkaDelivery> told_;
  std::string problem_;
  std::string detail_;  // what the last broker that could not be reached said
};

}  // namespace

std::unique_ptr<KafkaProducer> open_producer(const KafkaUrl& url) { return std::make_unique<Producer>(url); }

}  // namespace netflowgen::flow
#endif
