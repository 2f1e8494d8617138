// Schedules: the factor on the rate when a share `progress` of all steps is done. The formulas are schedules/entries.py's.
#pragma once

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace lanes {

enum class Schedule { constant, linear, cosine, exponential, step, warmup, warmup_cosine };

inline Schedule schedule_named(const std::string& name) {
    const char* names[] = {"constant", "linear", "cosine", "exponential", "step", "warmup", "warmup_cosine"};
    for (int i = 0; i < 7; ++i)
        if (name == names[i]) return Schedule(i);
    throw std::invalid_argument("no schedule " + name);
}

// How many parameters a schedule has.
inline int parameters_of(Schedule schedule) {
    switch (schedule) {
        case Schedule::constant: return 0;
        case Schedule::step: case Schedule::warmup_cosine: return 2;
        default: return 1;
    }
}

template <class T> T cosine(T progress, T final) {
    return final + (T(1) - final) * T(0.5) * (T(1) + std::cos(T(3.14159265358979324) * progress));
}

// `a`, `b`: the schedule's first and second parameter.
template <class T> T factor(Schedule schedule, T progress, T a, T b) {
    switch (schedule) {
        case Schedule::constant: return T(1);
        case Schedule::linear: return T(1) + (a - T(1)) * progress;
        case Schedule::cosine: return cosine(progress, a);
        case Schedule::exponential: return std::pow(a, progress);
        case Schedule::step: return std::pow(a, std::floor(b * (progress + T(1e-6))));
        case Schedule::warmup: return std::min(T(1), progress / a);
        case Schedule::warmup_cosine:
            if (progress < a) return progress / a;
            return cosine(std::clamp((progress - a) / std::max(T(1) - a, T(1e-6)), T(0), T(1)), b);
    }
    return T(1);
}

}  // namespace lanes
