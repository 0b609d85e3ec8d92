#include "flow/ipfix/sampling.h"

#include <bit>
#include <cmath>

namespace netflowgen::flow {
namespace {

std::optional<uint64_t> uint_of(base::Bytes b) {
  if (b.empty() || b.size() > 8) return std::nullopt;
  uint64_t v = 0;
  for (const uint8_t octet : b) v = v << 8 | octet;
  return v;
}

// a / b rounded to the nearest, 0 when it is no rate.
double ratio(uint64_t a, uint64_t b) { return b == 0 ? 0 : static_cast<double>(a) / static_cast<double>(b); }

struct Option {
  RateFields rate;
  std::optional<uint64_t> sampler;
  std::optional<uint64_t> selector;
  std::optional<uint64_t> template_id;
  std::optional<uint64_t> interface;
};

void take_scope(Option& o, uint8_t version, const RawField& f) {
  if (version == 9) {  // RFC 3954 section 6.1: 1 system, 2 interface, 3 line card, 4 cache, 5 template
    if (f.id == 2) o.interface = uint_of(f.value);
    if (f.id == 5) o.template_id = uint_of(f.value);
    return;
  }
  if (f.pen != 0) return;
  if (f.id == 10 || f.id == 14) o.interface = uint_of(f.value);
  if (f.id == 145) o.template_id = uint_of(f.value);
}

void take(Option& o, const RawField& f) {
  if (f.pen != 0) return;
  switch (f.id) {
    case 34:
      o.rate.interval = uint_of(f.value);
      break;
    case 48:
      o.sampler = uint_of(f.value);
      break;
    case 50:
      o.rate.random_interval = uint_of(f.value);
      break;
    case 302:
      o.selector = uint_of(f.value);
      break;
    case 305:
      o.rate.packet_interval = uint_of(f.value);
      break;
    case 306:
      o.rate.packet_space = uint_of(f.value);
      break;
    case 309:
      o.rate.size = uint_of(f.value);
      break;
    case 310:
      o.rate.population = uint_of(f.value);
      break;
    case 311:
      o.rate.probability = float_of(f.value);
      break;
    default:
      break;
  }
}

}  // namespace

std::optional<double> float_of(base::Bytes b) {
  if (b.size() == 8) return std::bit_cast<double>(base::load_be64(b.data()));
  if (b.size() == 4) return double{std::bit_cast<float>(base::load_be32(b.data()))};
  return std::nullopt;
}

uint32_t rate_of(const RateFields& f, uint32_t max_rate, bool& bogus) {
  uint32_t found = 0;
  const auto offer = [&](double rate) {
    if (!(rate >= 0.5) || rate > max_rate) {
      bogus = true;
    } else if (found == 0) {
      found = static_cast<uint32_t>(std::lround(rate));
    }
  };
  if (f.interval) offer(static_cast<double>(*f.interval));
  if (f.random_interval) offer(static_cast<double>(*f.random_interval));
  if (f.size && f.population) offer(ratio(*f.population, *f.size));
  if (f.probability) offer(*f.probability > 0 && *f.probability <= 1 ? 1 / *f.probability : 0);
  if (f.packet_interval && f.packet_space) {
    const auto i = static_cast<double>(*f.packet_interval);
    offer(i > 0 ? (i + static_cast<double>(*f.packet_space)) / i : 0);
  } else if (f.packet_interval && !f.size) {  // vendors that send 305 alone mean the whole interval
    offer(static_cast<double>(*f.packet_interval));
  } else if (f.packet_space && !f.packet_interval && !f.size) {  // one packet, then a number that is skipped
    offer(static_cast<double>(*f.packet_space) + 1);
  }
  return found;
}

bool SamplingTable::learn(uint32_t domain, uint8_t version, std::span<const RawField> fields,
                          size_t scope_fields, uint32_t max_rate, bool& bogus) {
  Option o;
  for (size_t i = 0; i < fields.size(); ++i) {
    if (i < scope_fields) take_scope(o, version, fields[i]);
    if (fields[i].pen != RawField::kScopePen || version != 9) take(o, fields[i]);
  }
  const uint32_t rate = rate_of(o.rate, max_rate, bogus);
  if (rate == 0) return false;
  Row row{domain, 's', 0, rate};
  if (o.sampler) {
    row.kind = 'i', row.key = *o.sampler;
  } else if (o.selector) {
    row.kind = 'e', row.key = *o.selector;
  } else if (o.template_id.value_or(0) != 0) {
    row.kind = 't', row.key = *o.template_id;
  } else if (o.interface.value_or(0) != 0) {  // interface 0: any
    row.kind = 'f', row.key = *o.interface;
  }
  return set(row);
}

bool SamplingTable::set(const Row& row) {
  if (size_ >= kMaxRows && domains_.find(row.domain) == domains_.end()) return false;
  auto& domain = domains_[row.domain];
  Rate* rate = nullptr;
  if (row.kind == 's') {
    if (!domain.system) ++size_, domain.system = Rate{};
    rate = &*domain.system;
  } else {
    const auto key = std::pair(row.kind, row.key);
    auto it = domain.rows.find(key);
    if (it == domain.rows.end()) {
      if (size_ >= kMaxRows) return false;
      ++size_;
      it = domain.rows.emplace(key, Rate{}).first;
    }
    rate = &it->second;
    by_interface_ |= row.kind == 'f';
  }
  const bool changed = rate->rate != row.rate;
  *rate = {row.rate, ++serial_};
  return changed;
}

std::optional<SamplingTable::Rate> SamplingTable::row(const Domain& domain, char kind, uint64_t key) {
  const auto it = domain.rows.find({kind, key});
  return it == domain.rows.end() ? std::nullopt : std::optional(it->second);
}

// The one rate that a domain has for all it exports: its system's, else that on which all its samplers agree,
// else the newest of them.
std::optional<SamplingTable::Rate> SamplingTable::whole(const Domain& domain) {
  if (domain.system) return domain.system;
  std::optional<Rate> newest;
  for (const auto& [key, rate] : domain.rows) {
    if (key.first != 'i' && key.first != 'e') continue;
    if (!newest || rate.serial > newest->serial) newest = rate;
  }
  return newest;
}

// Own domain, then domain 0, then any.
std::optional<uint32_t> SamplingTable::find_id(const SamplingQuery& query, char kind, uint64_t id) const {
  for (const uint32_t d : {query.domain, 0u}) {
    if (const auto it = domains_.find(d); it != domains_.end()) {
      if (const auto r = row(it->second, kind, id)) return r->rate;
    }
  }
  for (const auto& [number, domain] : domains_) {
    if (const auto r = row(domain, kind, id)) return r->rate;
  }
  return std::nullopt;
}

SamplingAnswer SamplingTable::find(const SamplingQuery& q) const {
  if (domains_.empty()) return {};
  if (q.selector) {
    if (const auto r = find_id(q, 'e', *q.selector)) return {*r, false};
  }
  if (q.sampler) {
    if (const auto r = find_id(q, 'i', *q.sampler)) return {*r, false};
  }
  const bool names_another = q.sampler.value_or(0) != 0 || q.selector.value_or(0) != 0;
  if (const auto own = domains_.find(q.domain); own != domains_.end()) {
    const Domain& d = own->second;
    if (const auto r = row(d, 't', q.template_id)) return {r->rate, false};
    if (const auto r = row(d, 'f', q.in_if)) return {r->rate, false};
    if (d.system) return {d.system->rate, false};
    if (const auto r = whole(d); r && !names_another) return {r->rate, false};
  }
  SamplingAnswer answer;
  uint64_t newest = 0;
  for (const auto& [number, domain] : domains_) {
    const auto r = names_another ? domain.system : whole(domain);
    if (!r || number == q.domain) continue;
    if (answer.rate != 0 && r->rate != answer.rate) answer.ambiguous = true;
    if (r->serial > newest) newest = r->serial, answer.rate = r->rate;
  }
  return answer;
}

std::vector<SamplingTable::Row> SamplingTable::rows() const {
  std::vector<Row> out;
  for (const auto& [number, domain] : domains_) {
    if (domain.system) out.push_back({number, 's', 0, domain.system->rate});
    for (const auto& [key, rate] : domain.rows) out.push_back({number, key.first, key.second, rate.rate});
  }
  return out;
}

size_t SamplingTable::memory_bytes() const { return size_ * 96 + domains_.size() * 128; }

}  // namespace netflowgen::flow
