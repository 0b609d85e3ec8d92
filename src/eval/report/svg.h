// Small charts as inline SVG text: lines, bands, intervals, spans on linear or logarithmic axes. Colours and text sizes
// come from the page's style sheet (report_style.cc), so that one figure serves light and dark pages.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/html.h"

namespace netflowgen::eval {

using base::escape_html;

struct Axis {
  std::string label;
  double low = 0;
  double high = 1;
  bool log = false;
  bool time = false;  // values are milliseconds since the epoch, UTC
  bool ticks = true;
};

class Chart {
 public:
  // In pixels of the drawing, which is scaled to the width of its column.
  Chart(Axis x, Axis y, int width = 720, int height = 320);

  // Room for the labels of the y axis. Charts that lie one above the other are given the same, so that a time is at the same
  // place in all of them. By default it depends on whether the y axis has ticks.
  static constexpr int kTicksMargin = 56;
  Chart& left_margin(int pixels);

  using Points = std::vector<std::pair<double, double>>;

  // `style` is the number of a colour; those past 7 are dashed. Points that are not finite break the line; one alone is a dot.
  void line(const Points& points, int style, std::string_view title, bool steps = false);
  void dots(const Points& points, int style, std::string_view title);
  // The area between two lines of equal x.
  void band(const Points& low, const Points& high, int style, double opacity);
  // A vertical span over the whole height, e.g. an attack.
  void span(double from, double to, std::string_view title);
  // A horizontal line, e.g. a threshold.
  void level(double y, std::string_view title);
  // A vertical line.
  void mark(double x, std::string_view title);
  // A point with its interval, horizontally.
  void interval(double low, double at, double high, double y, int style, std::string_view title);
  void text(double x, double y, std::string_view text, std::string_view anchor = "start");

  std::string svg(std::string_view description) const;

 private:
  double px(double x) const;
  double py(double y) const;
  std::string axes() const;

  Axis x_;
  Axis y_;
  int width_;
  int height_;
  int left_ = kTicksMargin;
  int right_ = 18;
  int top_ = 10;
  int bottom_ = 42;
  std::string body_;
};

// A legend as HTML: a swatch and a name each, wrapping on small screens.
std::string legend(const std::vector<std::pair<std::string, int>>& entries);

// A round step so that about `count` ticks cover [low, high].
std::vector<double> ticks(double low, double high, int count);
// "12k", "3.4M", "0.02".
std::string short_number(double v);
// As people read it: "45 s", "32 min", "3 h 20 min", "2 d 3 h".
std::string duration_text(double ms);

}  // namespace netflowgen::eval
