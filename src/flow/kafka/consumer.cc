// The consumer over librdkafka (C API; Debian's 2.0.2).
#ifdef NETFLOWGEN_KAFKA
#include "flow/kafka/consumer.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <utility>

#include "base/error.h"
#include "flow/kafka/property.h"

namespace netflowgen::flow {
namespace {

constexpr size_t kBatch = 500;         // records taken from librdkafka at once, a partition
constexpr int kAskTimeout_ms = 1'000;  // one try to ask a broker
constexpr size_t kErrorBytes = 512;

struct Free {
  void operator()(rd_kafka_t* p) const { rd_kafka_destroy(p); }
  void operator()(rd_kafka_conf_t* p) const { rd_kafka_conf_destroy(p); }
  void operator()(rd_kafka_queue_t* p) const { rd_kafka_queue_destroy(p); }
  void operator()(rd_kafka_message_t* p) const { rd_kafka_message_destroy(p); }
  void operator()(rd_kafka_topic_t* p) const { rd_kafka_topic_destroy(p); }
  void operator()(const rd_kafka_metadata_t* p) const { rd_kafka_metadata_destroy(p); }
  void operator()(rd_kafka_topic_partition_list_t* p) const { rd_kafka_topic_partition_list_destroy(p); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;
using List = Owned<rd_kafka_topic_partition_list_t>;

// Records of one partition that were taken from librdkafka and not yet handed out.
struct Queue {
  Owned<rd_kafka_queue_t> queue;
  std::array<rd_kafka_message_t*, kBatch> batch{};
  size_t at = 0;
  size_t count = 0;
  Owned<rd_kafka_message_t> present;  // handed out last
  bool at_end = false;

  ~Queue() {
    while (at < count) rd_kafka_message_destroy(batch[at++]);
  }
  size_t left() const { return count - at; }
  uint64_t records() const {
    const auto is_record = [](const rd_kafka_message_t* m) { return m->err == RD_KAFKA_RESP_ERR_NO_ERROR; };
    return static_cast<uint64_t>(std::count_if(batch.data() + at, batch.data() + count, is_record));
  }
};

class Consumer : public KafkaConsumer {
 public:
  explicit Consumer(const KafkaUrl& url) : url_(url) {
    Owned<rd_kafka_conf_t> conf(rd_kafka_conf_new());
    const auto set = [&](const std::string& name, const std::string& value) {
      set_property(conf.get(), url_, name, value);
    };
    set("client.id", "netflowgen");
    set("fetch.wait.max.ms", "100");
    for (const auto& [name, value] : url.properties) set(name, value);
    set("bootstrap.servers", url.brokers);
    set("group.id", url.group.empty() ? "netflowgen-ungrouped" : url.group);
    set("enable.auto.commit", "false");
    set("enable.auto.offset.store", "false");
    set("enable.partition.eof", "true");
    set("auto.offset.reset", "earliest");  // of an offset that retention has deleted
    rd_kafka_conf_set_opaque(conf.get(), this);
    rd_kafka_conf_set_error_cb(conf.get(), [](rd_kafka_t*, int code, const char* reason, void* self) {
      static_cast<Consumer*>(self)->error(static_cast<rd_kafka_resp_err_t>(code), reason);
    });
    rd_kafka_conf_set_log_cb(conf.get(), [](const rd_kafka_t*, int, const char*, const char*) {});
    rd_kafka_conf_set_rebalance_cb(
        conf.get(), [](rd_kafka_t*, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* list,
                       void* self) { static_cast<Consumer*>(self)->rebalance_safely(code, *list); });
    char text[kErrorBytes];
    kafka_.reset(rd_kafka_new(RD_KAFKA_CONSUMER, conf.get(), text, sizeof text));
    if (!kafka_) throw base::UsageError("{}: librdkafka refuses the properties: {}", url_.name(), text);
    conf.release();  // NOLINT: rd_kafka_new took it
    rd_kafka_poll_set_consumer(kafka_.get());
    main_.reset(rd_kafka_queue_get_consumer(kafka_.get()));
    wake_on(main_.get());
  }

  ~Consumer() override {
    observer_ = nullptr;
    if (kafka_) rd_kafka_consumer_close(kafka_.get());
    for (auto& [partition, queue] : queues_)
      rd_kafka_queue_cb_event_enable(queue.queue.get(), nullptr, nullptr);
    rd_kafka_queue_cb_event_enable(main_.get(), nullptr, nullptr);
    queues_.clear();
    main_.reset();
  }

  std::vector<int32_t> partitions() override {
    const Owned<rd_kafka_topic_t> topic(rd_kafka_topic_new(kafka_.get(), url_.topic.c_str(), nullptr));
    std::vector<int32_t> found;
    ask([&] {
      const rd_kafka_metadata_t* raw = nullptr;
      const auto code = rd_kafka_metadata(kafka_.get(), 0, topic.get(), &raw, kAskTimeout_ms);
      const Owned<const rd_kafka_metadata_t> metadata(raw);
      if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return code;
      if (metadata->topic_cnt != 1) return RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
      const auto& t = metadata->topics[0];
      for (int i = 0; i < t.partition_cnt; ++i) found.push_back(t.partitions[i].id);
      return t.err;
    });
    std::sort(found.begin(), found.end());
    return found;
  }

  KafkaBounds bounds(int32_t partition) override {
    KafkaBounds b;
    ask([&] {
      return rd_kafka_query_watermark_offsets(kafka_.get(), url_.topic.c_str(), partition, &b.begin, &b.end,
                                              kAskTimeout_ms);
    });
    return b;
  }

  int64_t offset_of(int32_t partition, TimeMs time) override {
    const List list = list_of({{partition, time}});
    ask([&] { return rd_kafka_offsets_for_times(kafka_.get(), list.get(), kAskTimeout_ms); });
    const int64_t offset = list->elems[0].offset;
    return offset >= 0 ? offset : bounds(partition).end;
  }

  std::map<int32_t, int64_t> committed(const std::vector<int32_t>& partitions) override {
    std::map<int32_t, int64_t> wanted;
    if (partitions.empty()) return wanted;  // a group with more members than partitions
    for (const int32_t p : partitions) wanted[p] = -1;
    const List list = list_of(wanted);
    ask([&] { return rd_kafka_committed(kafka_.get(), list.get(), kAskTimeout_ms); });
    return offsets_of(*list);
  }

  void assign(const std::map<int32_t, int64_t>& begin) override {
    open_queues(begin);
    const List list = list_of(begin);
    check(rd_kafka_assign(kafka_.get(), list.get()), "its partitions cannot be read");
  }

  void subscribe(KafkaGroupObserver& observer) override {
    observer_ = &observer;
    const List list(rd_kafka_topic_partition_list_new(1));
    rd_kafka_topic_partition_list_add(list.get(), url_.topic.c_str(), RD_KAFKA_PARTITION_UA);
    check(rd_kafka_subscribe(kafka_.get(), list.get()), "the group cannot be joined");
  }

  Take take(int32_t partition, KafkaRecord& record) override {
    const auto it = queues_.find(partition);
    if (it == queues_.end()) return Take::kNothing;
    Queue& q = it->second;
    while (true) {
      if (q.left() == 0 && !refill(q)) return q.at_end ? Take::kEnd : Take::kNothing;
      q.present.reset(q.batch[q.at++]);
      if (hand_out(q, record)) return Take::kRecord;
    }
  }

  void wait(int timeout_ms) override {
    serve();
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
    ask_whether_back();
    std::unique_lock lock(mutex_);
    came_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [&] { return woken_; });
    woken_ = false;
  }

  void commit(const std::map<int32_t, int64_t>& next) override {
    if (next.empty()) return;
    const List list = list_of(next);
    check(rd_kafka_commit(kafka_.get(), list.get(), 0), "offsets cannot be committed");
  }

  std::string problem() const override { return problem_; }
  uint64_t held() const override {
    uint64_t sum = 0;
    for (const auto& [partition, q] : queues_) sum += q.records();
    return sum;
  }

 private:
  // Asks until there is an answer, or the time is over.
  template <typename Ask>
  void ask(Ask try_once) {
    for (int64_t waited = 0;; waited += kAskTimeout_ms) {
      const rd_kafka_resp_err_t code = try_once();
      if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return;
      const bool final = code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
                         code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
                         code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
                         code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
                         code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
      if (final) throw base::Error("{}: {}", url_.name(), rd_kafka_err2str(code));
      serve();
      if (waited < url_.timeout_ms) continue;
      throw base::Error("{}: no broker answered in {} s: {}", url_.name(), url_.timeout_ms / 1000,
                        problem_.empty() ? rd_kafka_err2str(code) : problem_);
    }
  }

  void check(rd_kafka_resp_err_t code, const char* what) const {
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return;
    throw base::Error("{}: {}: {}", url_.name(), what, rd_kafka_err2str(code));
  }

  List list_of(const std::map<int32_t, int64_t>& offsets) const {
    List list(rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size())));
    for (const auto& [partition, offset] : offsets) {
      rd_kafka_topic_partition_list_add(list.get(), url_.topic.c_str(), partition)->offset = offset;
    }
    return list;
  }
  static std::map<int32_t, int64_t> offsets_of(const rd_kafka_topic_partition_list_t& list) {
    std::map<int32_t, int64_t> offsets;
    for (int i = 0; i < list.cnt; ++i)
      offsets[list.elems[i].partition] = std::max<int64_t>(list.elems[i].offset, -1);
    return offsets;
  }

  void wake() {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    came_.notify_one();
  }
  // librdkafka calls it from its own threads.
  void wake_on(rd_kafka_queue_t* queue) {
    rd_kafka_queue_cb_event_enable(
        queue, [](rd_kafka_t*, void* self) { static_cast<Consumer*>(self)->wake(); }, this);
  }

  // Each partition has a queue of its own, so that the one that lags can be read first.
  void open_queues(const std::map<int32_t, int64_t>& partitions) {
    for (const auto& [partition, offset] : partitions) {
      Queue& q = queues_[partition];
      q.queue.reset(rd_kafka_queue_get_partition(kafka_.get(), url_.topic.c_str(), partition));
      rd_kafka_queue_forward(q.queue.get(), nullptr);
      wake_on(q.queue.get());
    }
  }

  // Calls of librdkafka that are due: the group's, errors.
  void serve() {
    while (rd_kafka_message_t* m = rd_kafka_consumer_poll(kafka_.get(), 0)) {
      if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR && m->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
        error(m->err, rd_kafka_message_errstr(m));
      rd_kafka_message_destroy(m);
    }
  }

  bool refill(Queue& q) {
    q.at = q.count = 0;
    const auto n = rd_kafka_consume_batch_queue(q.queue.get(), 0, q.batch.data(), q.batch.size());
    q.count = n > 0 ? static_cast<size_t>(n) : 0;
    return q.count > 0;
  }

  // False: it is no record.
  bool hand_out(Queue& q, KafkaRecord& record) {
    const rd_kafka_message_t& m = *q.present;
    if (m.err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      q.at_end = true;
      return false;
    }
    if (m.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      error(m.err, rd_kafka_message_errstr(&m));
      return false;
    }
    q.at_end = false;
    problem_.clear();
    rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
    record.timestamp_ms = rd_kafka_message_timestamp(&m, &type);
    record.offset = m.offset;
    record.tombstone = m.payload == nullptr;
    record.value = {static_cast<const uint8_t*>(m.payload), m.payload == nullptr ? 0 : m.len};
    return true;
  }

  // One broker of several may be down without harm: that is a detail of the problem that all are.
  void error(rd_kafka_resp_err_t code, const char* reason) {
    const std::string text = explained(reason != nullptr ? reason : rd_kafka_err2str(code));
    switch (code) {
      case RD_KAFKA_RESP_ERR__TRANSPORT:
        detail_ = text;
        break;
      case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
        problem_ = detail_.empty() ? text : detail_;
        break;
      case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
        break;
      default:
        problem_ = text;
    }
  }

  // Without new records nothing tells that the brokers are back.
  void ask_whether_back() {
    const auto now = std::chrono::steady_clock::now();
    if (problem_.empty() || now < next_question_) return;
    next_question_ = now + std::chrono::seconds(5);
    const rd_kafka_metadata_t* raw = nullptr;
    const auto code = rd_kafka_metadata(kafka_.get(), 0, nullptr, &raw, 200);
    const Owned<const rd_kafka_metadata_t> metadata(raw);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) problem_.clear();
  }

  // Nothing is thrown through librdkafka's frames.
  void rebalance_safely(rd_kafka_resp_err_t code, const rd_kafka_topic_partition_list_t& list) {
    try {
      rebalance(code, list);
    } catch (const base::Error&) {
      failure_ = std::current_exception();
    }
  }

  void rebalance(rd_kafka_resp_err_t code, const rd_kafka_topic_partition_list_t& list) {
    std::vector<int32_t> partitions;
    for (int i = 0; i < list.cnt; ++i) partitions.push_back(list.elems[i].partition);
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS && observer_ != nullptr) {
      assign(observer_->assigned(committed(partitions)));
      return;
    }
    if (observer_ != nullptr) observer_->revoked(partitions);
    for (auto& [partition, queue] : queues_)
      rd_kafka_queue_cb_event_enable(queue.queue.get(), nullptr, nullptr);
    queues_.clear();
    rd_kafka_assign(kafka_.get(), nullptr);
  }

  KafkaUrl url_;
  std::mutex mutex_;
  std::condition_variable came_;
  bool woken_ = false;
  Owned<rd_kafka_t> kafka_;
  Owned<rd_kafka_queue_t> main_;
  std::map<int32_t, Queue> queues_;
  KafkaGroupObserver* observer_ = nullptr;
  std::exception_ptr failure_;  // of a call of the group's
  std::string problem_;
  std::string detail_;  // what the last broker that could not be reached said
  std::chrono::steady_clock::time_point next_question_;
};

}  // namespace

std::unique_ptr<KafkaConsumer> open_consumer(const KafkaUrl& url) { return std::make_unique<Consumer>(url); }

}  // namespace netflowgen::flow
#endif
