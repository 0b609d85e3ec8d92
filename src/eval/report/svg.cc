#include "eval/report/svg.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/time.h"

namespace netflowgen::eval {
namespace {

constexpr int kColours = 8;

std::string class_of(int style) {
  return fmt::format("c{}{}", style % kColours, style >= kColours ? " dash" : "");
}

std::string title_of(std::string_view title) {
  return title.empty() ? "" : fmt::format("<title>{}</title>", escape_html(title));
}

std::vector<double> time_ticks(double low, double high, int count) {
  static constexpr double kSteps[] = {1,   2,   5,    10,   15,   30,    60,    120,  180,
                                      360, 720, 1440, 2880, 7200, 14400, 43200, 86400};  // minutes
  double step = kSteps[0];
  for (const double s : kSteps) {
    step = s;
    if ((high - low) / (s * 60'000) <= count) break;
  }
  std::vector<double> result;
  for (double t = std::ceil(low / (step * 60'000)) * step * 60'000; t <= high; t += step * 60'000)
    result.push_back(t);
  return result;
}

std::string time_text(double ms, double range) {
  const std::string t = base::format_time(static_cast<base::TimeMs>(ms));  // 1998-07-02T10:16:00Z
  return range > 2.0 * 86'400'000 ? t.substr(5, 5) : t.substr(11, 5);
}

std::vector<double> axis_ticks(const Axis& a, int count) {
  if (a.time) return time_ticks(a.low, a.high, count);
  if (!a.log) return ticks(a.low, a.high, count);
  std::vector<double> result;
  for (double v = std::pow(10, std::ceil(std::log10(a.low) - 1e-9)); v <= a.high * 1.000001; v *= 10)
    result.push_back(v);
  return result;
}

std::string tick_text(const Axis& a, double v) {
  return a.time ? time_text(v, a.high - a.low) : short_number(v);
}

double place(const Axis& a, double v) {
  if (a.log) return (std::log(std::max(v, a.low)) - std::log(a.low)) / (std::log(a.high) - std::log(a.low));
  return a.high > a.low ? (v - a.low) / (a.high - a.low) : 0;
}

}  // namespace

std::vector<double> ticks(double low, double high, int count) {
  if (!(high > low) || count < 1) return {low};
  const double raw = (high - low) / count;
  const double power = std::pow(10, std::floor(std::log10(raw)));
  double step = 10 * power;
  for (const double m : {1.0, 2.0, 5.0}) {
    if (m * power >= raw * 0.999) {
      step = m * power;
      break;
    }
  }
  std::vector<double> result;
  for (auto i = static_cast<int64_t>(std::ceil(low / step - 1e-9));
       static_cast<double>(i) * step <= high + step * 1e-9; ++i) {
    result.push_back(static_cast<double>(i) * step);
  }
  return result;
}

std::string short_number(double v) {
  static constexpr std::pair<double, const char*> kUnits[] = {
      {1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}};
  for (const auto& [unit, name] : kUnits) {
    if (std::abs(v) >= unit) return fmt::format("{:.3g}{}", v / unit, name);
  }
  return std::abs(v) < 1e-12 ? "0" : fmt::format("{:.3g}", v);
}

std::string duration_text(double ms) {
  const auto minutes = static_cast<int64_t>(std::llround(ms / 60'000));
  const auto both = [](int64_t n, const char* unit, int64_t rest, const char* rest_unit) {
    return rest == 0 ? fmt::format("{} {}", n, unit) : fmt::format("{} {} {} {}", n, unit, rest, rest_unit);
  };
  if (ms < 60'000) return fmt::format("{} s", std::llround(ms / 1000));
  if (minutes < 120) return fmt::format("{} min", minutes);
  if (minutes < 48 * 60) return both(minutes / 60, "h", minutes % 60, "min");
  const int64_t hours = (minutes + 30) / 60;
  return both(hours / 24, "d", hours % 24, "h");
}

Chart::Chart(Axis x, Axis y, int width, int height)
    : x_(std::move(x)), y_(std::move(y)), width_(width), height_(height) {
  if (!(x_.high > x_.low)) x_.high = x_.low + 1;
  if (!(y_.high > y_.low)) y_.high = y_.low + 1;
  if (x_.label.empty()) bottom_ = x_.ticks ? 24 : 4;
  if (!y_.ticks) left_ = 8;
}

Chart& Chart::left_margin(int pixels) {
  left_ = pixels;
  return *this;
}

double Chart::px(double x) const {
  return left_ + std::clamp(place(x_, x), -0.01, 1.01) * (width_ - left_ - right_);
}

double Chart::py(double y) const {
  return height_ - bottom_ - std::clamp(place(y_, y), -0.02, 1.02) * (height_ - top_ - bottom_);
}

void Chart::line(const Points& points, int style, std::string_view title, bool steps) {
  std::string path;
  Points alone;  // a line of one point has no length
  bool open = false;
  double last_y = 0;
  const auto known = [&](size_t i) {
    return i < points.size() && std::isfinite(points[i].first) && std::isfinite(points[i].second);
  };
  for (size_t i = 0; i < points.size(); ++i) {
    const auto& [x, y] = points[i];
    if (!known(i)) {
      open = false;
      continue;
    }
    if (!open && !known(i + 1)) alone.push_back(points[i]);
    if (open && steps) path += fmt::format("H{:.1f}", px(x));
    if (!open || !steps || y != last_y)
      path += fmt::format("{}{:.1f} {:.1f}", open ? "L" : "M", px(x), py(y));
    open = true;
    last_y = y;
  }
  if (path.empty()) return;
  body_ += fmt::format("<path class=\"line {}\" d=\"{}\">{}</path>", class_of(style), path, title_of(title));
  dots(alone, style, title);
}

void Chart::dots(const Points& points, int style, std::string_view title) {
  for (const auto& [x, y] : points) {
    if (!std::isfinite(x) || !std::isfinite(y)) continue;
    body_ += fmt::format("<circle class=\"dot {}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\">{}</circle>",
                         class_of(style), px(x), py(y), title_of(title));
  }
}

void Chart::band(const Points& low, const Points& high, int style, double opacity) {
  if (low.empty()) return;
  std::string path;
  for (size_t i = 0; i < high.size(); ++i) {
    path += fmt::format("{}{:.1f} {:.1f}", i == 0 ? "M" : "L", px(high[i].first), py(high[i].second));
  }
  for (size_t i = low.size(); i-- > 0;)
    path += fmt::format("L{:.1f} {:.1f}", px(low[i].first), py(low[i].second));
  body_ += fmt::format("<path class=\"band {}\" style=\"opacity:{:.2f}\" d=\"{}Z\"/>", class_of(style),
                       opacity, path);
}

void Chart::span(double from, double to, std::string_view title) {
  const double x = px(from);
  body_ += fmt::format("<rect class=\"span\" x=\"{:.1f}\" y=\"{}\" width=\"{:.1f}\" height=\"{}\">{}</rect>",
                       x, top_, std::max(1.5, px(to) - x), height_ - top_ - bottom_, title_of(title));
}

void Chart::level(double y, std::string_view title) {
  body_ += fmt::format("<path class=\"level\" d=\"M{} {:.1f}H{}\">{}</path>", left_, py(y), width_ - right_,
                       title_of(title));
}

void Chart::mark(double x, std::string_view title) {
  body_ += fmt::format("<path class=\"level\" d=\"M{:.1f} {}V{}\">{}</path>", px(x), top_, height_ - bottom_,
                       title_of(title));
}

void Chart::interval(double low, double at, double high, double y, int style, std::string_view title) {
  if (!std::isfinite(at)) return;
  if (std::isfinite(low) && std::isfinite(high)) {
    body_ += fmt::format("<path class=\"line {}\" d=\"M{:.1f} {:.1f}H{:.1f}\">{}</path>", class_of(style),
                         px(low), py(y), px(high), title_of(title));
  }
  dots({{at, y}}, style, title);
}

void Chart::text(double x, double y, std::string_view text, std::string_view anchor) {
  body_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>", px(x), py(y), anchor,
                       escape_html(text));
}

std::string Chart::axes() const {
  std::string out;
  const int floor = height_ - bottom_;
  for (const double t : y_.ticks ? axis_ticks(y_, 5) : std::vector<double>{}) {
    out += fmt::format("<path class=\"grid\" d=\"M{} {:.1f}H{}\"/>", left_, py(t), width_ - right_);
    out += fmt::format("<text x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>", left_ - 6, py(t) + 4,
                       tick_text(y_, t));
  }
  for (const double t : x_.ticks ? axis_ticks(x_, 8) : std::vector<double>{}) {
    out += fmt::format("<path class=\"grid\" d=\"M{:.1f} {}V{}\"/>", px(t), top_, floor);
    // With its time, so that a page's script can write it in the reader's own.
    const auto time = x_.time ? fmt::format(" data-t=\"{:.0f}\"", t) : "";
    out += fmt::format("<text{} x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>", time, px(t),
                       floor + 16, tick_text(x_, t));
  }
  out += fmt::format("<path class=\"axis\" d=\"M{} {}V{}H{}\"/>", left_, top_, floor, width_ - right_);
  if (!x_.label.empty()) {
    out += fmt::format("<text class=\"label\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                       (left_ + width_ - right_) / 2, height_ - 6, escape_html(x_.label));
  }
  if (!y_.label.empty()) {
    out += fmt::format(
        "<text class=\"label\" transform=\"translate(13 {}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
        (top_ + floor) / 2, escape_html(y_.label));
  }
  return out;
}

std::string Chart::svg(std::string_view description) const {
  return fmt::format(
      "<div class=\"chart\"><svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">{}{}</svg></div>\n",
      width_, height_, escape_html(description), axes(), body_);
}

std::string legend(const std::vector<std::pair<std::string, int>>& entries) {
  std::string out = "<ul class=\"legend\">";
  for (const auto& [name, style] : entries) {
    out += fmt::format(
        "<li><svg width=\"22\" height=\"10\"><path class=\"line {}\" d=\"M0 5H22\"/></svg>{}</li>",
        class_of(style), escape_html(name));
  }
  return out + "</ul>\n";
}

}  // namespace netflowgen::eval
