// Brokers inside the test: librdkafka's mock cluster, with a producer to fill topics.
#pragma once

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <string>
#include <string_view>

namespace netflowgen::flow {

class MockCluster {
 public:
  explicit MockCluster(int brokers = 1) {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, [](const rd_kafka_t*, int, const char*, const char*) {});
    handle_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, nullptr, 0);
    cluster_ = rd_kafka_mock_cluster_new(handle_, brokers);
    conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap().c_str(), nullptr, 0);
    rd_kafka_conf_set(conf, "linger.ms", "1", nullptr, 0);
    rd_kafka_conf_set_log_cb(conf, [](const rd_kafka_t*, int, const char*, const char*) {});
    producer_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, nullptr, 0);
  }
  ~MockCluster() {
    rd_kafka_destroy(producer_);
    rd_kafka_mock_cluster_destroy(cluster_);
    rd_kafka_destroy(handle_);
  }
  MockCluster(const MockCluster&) = delete;
  MockCluster& operator=(const MockCluster&) = delete;

  std::string bootstrap() const { return rd_kafka_mock_cluster_bootstraps(cluster_); }
  std::string url(const std::string& topic, const std::string& options = "") const {
    return "kafka://" + bootstrap() + "/" + topic + (options.empty() ? "" : "?" + options);
  }
  void create(const std::string& topic, int partitions) {
    ASSERT_EQ(rd_kafka_mock_topic_create(cluster_, topic.c_str(), partitions, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
  }
  // A value without bytes and `null` is a tombstone.
  void produce(const std::string& topic, int32_t partition, std::string_view value, bool null = false) {
    ASSERT_EQ(
        rd_kafka_producev(producer_, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(partition),
                          RD_KAFKA_V_VALUE(null ? nullptr : const_cast<char*>(value.data()), value.size()),
                          RD_KAFKA_V_KEY("k", 1), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
        RD_KAFKA_RESP_ERR_NO_ERROR);
  }
  void flush() { ASSERT_EQ(rd_kafka_flush(producer_, 10'000), RD_KAFKA_RESP_ERR_NO_ERROR); }
  // The offset behind a partition's last record.
  int64_t end(const std::string& topic, int32_t partition) {
    int64_t first = 0;
    int64_t last = -1;
    EXPECT_EQ(rd_kafka_query_watermark_offsets(producer_, topic.c_str(), partition, &first, &last, 10'000),
              RD_KAFKA_RESP_ERR_NO_ERROR);
    return last;
  }
  void set_down(bool down) {
    if (down) {
      rd_kafka_mock_broker_set_down(cluster_, 1);
    } else {
      rd_kafka_mock_broker_set_up(cluster_, 1);
    }
  }

 private:
  rd_kafka_t* handle_ = nullptr;
  rd_kafka_mock_cluster_t* cluster_ = nullptr;
  rd_kafka_t* producer_ = nullptr;
};

}  // namespace netflowgen::flow
