#pragma once
namespace netflowgen::eval {
struct ForecastResult;
}
