// Normalisation of pre-activations: of each unit over the samples (batch), or of each sample over the units (layer, RMS).
//
// With ẑ = (z − mean) r and r = 1 / √(variance + ε), a small change of z also moves the mean and the variance, so that
//
//     ∂L/∂z = r (∂L/∂ẑ − mean(∂L/∂ẑ) − ẑ mean(∂L/∂ẑ · ẑ))
//
// where the means are over what was normalised together; without the first of them where no mean was taken off.
#pragma once

#include <stdexcept>
#include <string>

#include "lanes.hpp"

namespace lanes {

enum class Norm { none, batch, layer, rms };

inline Norm norm_named(const std::string& name) {
    const char* names[] = {"none", "batch", "layer", "rms"};
    for (int i = 0; i < 4; ++i)
        if (name == names[i]) return Norm(i);
    throw std::invalid_argument("no normalisation " + name);
}

// The numbers of normalization/__init__.py.
template <class T> constexpr T norm_epsilon = T(1e-5);
template <class T> constexpr T norm_momentum = T(0.1);

// How an array [unit][sample] falls into sets of numbers that are normalised together.
struct Sets {
    int count, members;
    ptrdiff_t next_set, next_member;
};

inline Sets sets_of(Norm norm, int units, int samples) {
    if (norm == Norm::batch) return {units, samples, samples, 1};
    return {samples, units, 1, samples};
}

// z becomes ẑ; each set's mean, variance and r go to the three arrays.
template <class T> void standardize(Sets sets, bool centred, Pack<T>* z, Pack<T>* mean, Pack<T>* variance, Pack<T>* r) {
    const T share = T(1) / T(sets.members);
    for (int i = 0; i < sets.count; ++i) {
        Pack<T>* const set = z + i * sets.next_set;
        Pack<T> sum{}, squares{};
        if (centred)
            for (int k = 0; k < sets.members; ++k) sum = sum + set[k * sets.next_member];
        mean[i] = sum * share;
        for (int k = 0; k < sets.members; ++k) {
            const Pack<T> away = set[k * sets.next_member] - mean[i];
            squares = fma(away, away, squares);
        }
        variance[i] = squares * share;
        r[i] = T(1) / sqrt(variance[i] + norm_epsilon<T>);
        for (int k = 0; k < sets.members; ++k) set[k * sets.next_member] = (set[k * sets.next_member] - mean[i]) * r[i];
    }
}

// ∂L/∂ẑ becomes ∂L/∂z.
template <class T> void unstandardize(Sets sets, bool centred, const Pack<T>* z_hat, const Pack<T>* r, Pack<T>* delta) {
    const T share = T(1) / T(sets.members);
    for (int i = 0; i < sets.count; ++i) {
        const ptrdiff_t start = i * sets.next_set;
        Pack<T> sum{}, along{};
        for (int k = 0; k < sets.members; ++k) {
            const ptrdiff_t at = start + k * sets.next_member;
            if (centred) sum = sum + delta[at];
            along = fma(delta[at], z_hat[at], along);
        }
        sum = sum * share, along = along * share;
        for (int k = 0; k < sets.members; ++k) {
            const ptrdiff_t at = start + k * sets.next_member;
            delta[at] = r[i] * (delta[at] - sum - z_hat[at] * along);
        }
    }
}

}  // namespace lanes
