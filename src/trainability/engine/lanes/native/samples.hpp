// The samples that all networks share, and the few of them that a pass works on.
#pragma once

#include <algorithm>
#include <vector>

#include "lanes.hpp"

namespace lanes {

// Inputs and encoded targets, one sample after the other.
template <class T> struct Samples {
    const T *x = nullptr, *y = nullptr;
    int count = 0, inputs = 0, outputs = 0;
    T spread = 0;  // Σ (y − mean)² of a regression
};

// Inputs and targets of a pass, [unit][sample] of packs.
template <class T> class Tray {
  public:
    using P = Pack<T>;
    static constexpr int lanes = width<T>;

    Tray(int inputs, int outputs, int most) : fed(size_t(inputs) * most), wanted(size_t(outputs) * most) {}

    const P* inputs() const { return fed.data(); }
    const P* targets() const { return wanted.data(); }

    // Samples first, first + stride, … for every network alike.
    void spread_out(const Samples<T>& samples, int first, int count, int stride = 1) {
        if (held == samples.x && held_first == first && held_count == count && held_stride == stride) return;
        held = samples.x, held_first = first, held_count = count, held_stride = stride;
        for (int s = 0; s < count; ++s) {
            const T *const x = samples.x + size_t(first + s * stride) * samples.inputs;
            const T *const y = samples.y + size_t(first + s * stride) * samples.outputs;
            for (int i = 0; i < samples.inputs; ++i) fed[size_t(i) * count + s] = all(x[i]);
            for (int j = 0; j < samples.outputs; ++j) wanted[size_t(j) * count + s] = all(y[j]);
        }
    }

    // Of each network the samples of places [first, first + count) in its own `order`, [lane][sample].
    void deal_out(const Samples<T>& samples, const std::vector<uint32_t>& order, int first, int count) {
        held = nullptr;
        for (int w = 0; w < lanes; ++w)
            for (int s = 0; s < count; ++s) {
                const size_t sample = order[size_t(w) * samples.count + first + s];
                const T *const x = samples.x + sample * samples.inputs, *const y = samples.y + sample * samples.outputs;
                for (int i = 0; i < samples.inputs; ++i) reinterpret_cast<T*>(&fed[size_t(i) * count + s])[w] = x[i];
                for (int j = 0; j < samples.outputs; ++j) reinterpret_cast<T*>(&wanted[size_t(j) * count + s])[w] = y[j];
            }
    }

  private:
    std::vector<P> fed, wanted;
    const T* held = nullptr;  // the samples that are there for every network alike, if any
    int held_first = 0, held_count = 0, held_stride = 0;
};

}  // namespace lanes
