// Activations that share out a whole among the units of a layer. Arrays are [unit][sample].
//
// With a = softmax(z), a small change of z_k moves every answer: ∂a_j/∂z_k = a_j ((j = k) − a_k), which gives
// ∂L/∂z = a (∂L/∂a − Σ a ∂L/∂a). Of ln a it is ∂L/∂a − a Σ ∂L/∂a. The sparsemax is a projection: among the units that
// it leaves above 0 it takes off the mean.
#pragma once

#include "vector_math.hpp"

namespace lanes {

enum class Simplex { softmax, softmin, log_softmax, sparsemax };

// The answers to one sample's z, `step` apart.
template <class T> void share_out(Simplex kind, const Pack<T>* z, Pack<T>* answer, int units, ptrdiff_t step) {
    using P = Pack<T>;
    const T side = kind == Simplex::softmin ? T(-1) : T(1);
    P highest = side * z[0], sum{};
    for (int j = 1; j < units; ++j) highest = larger(highest, side * z[j * step]);
    if (kind == Simplex::sparsemax) {
        // What all the units that stay above 0 give up, found by dropping those that it takes below 0 (C. Michelot,
        // A finite algorithm for finding the projection of a point onto the canonical simplex, JOTA 50 (1986)).
        P bound = all(-std::numeric_limits<T>::infinity()), count{}, before;
        do {
            before = count, count = P{}, sum = P{};
            for (int j = 0; j < units; ++j) {
                const P x = z[j * step] - highest;
                const Mask<T> stays = ~(x <= bound);  // a NaN stays one
                count = count + select(stays, all(T(1)), P{});
                sum = sum + select(stays, x, P{});
            }
            bound = (sum - T(1)) / count;
        } while (any<T>((count != before) & (bound == bound)));
        for (int j = 0; j < units; ++j) {
            const P x = (z[j * step] - highest) - bound;
            answer[j * step] = select(x <= P{}, P{}, x);
        }
        return;
    }
    for (int j = 0; j < units; ++j) {
        const P e = exp_of_negative<T>(side * z[j * step] - highest);
        answer[j * step] = kind == Simplex::log_softmax ? z[j * step] - highest : e;
        sum = sum + e;
    }
    const P log_sum = kind == Simplex::log_softmax ? log<T>(sum) : P{};
    for (int j = 0; j < units; ++j)
        answer[j * step] = kind == Simplex::log_softmax ? answer[j * step] - log_sum : answer[j * step] / sum;
}

// One sample's ∂L/∂a becomes ∂L/∂z.
template <class T> void take_back(Simplex kind, const Pack<T>* answer, Pack<T>* delta, int units, ptrdiff_t step) {
    using P = Pack<T>;
    P sum{}, count{};
    for (int j = 0; j < units; ++j) {
        const P a = answer[j * step], d = delta[j * step];
        if (kind == Simplex::log_softmax) sum = sum + d;
        else if (kind == Simplex::sparsemax) {
            sum = sum + select(a > P{}, d, P{});
            count = count + select(a > P{}, all(T(1)), P{});
        } else sum = sum + a * d;
    }
    if (kind == Simplex::sparsemax) sum = sum / count;
    for (int j = 0; j < units; ++j) {
        const P a = answer[j * step], d = delta[j * step];
        P result = a * (d - sum);
        if (kind == Simplex::softmin) result = -result;
        if (kind == Simplex::log_softmax) result = d - exp<T>(a) * sum;
        if (kind == Simplex::sparsemax) result = select(a > P{}, d - sum, P{});
        delta[j * step] = result;
    }
}

}  // namespace lanes
