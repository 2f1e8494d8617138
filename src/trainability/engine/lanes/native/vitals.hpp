// Vital signs of a layer, of a register of networks at once. The definitions are those of trainability/vitals.
#pragma once

#include <string>
#include <vector>

#include "vector_math.hpp"

namespace lanes {

enum class Vital {
    pre_activation_mean, pre_activation_std, activation_mean, activation_std, dead, saturated, gradient_rms, correlation,
};

inline Vital vital_named(const std::string& name) {
    const char* names[] = {"pre_activation_mean", "pre_activation_std", "activation_mean", "activation_std",
                           "dead", "saturated", "gradient_rms", "correlation"};
    for (int i = 0; i < 8; ++i)
        if (name == names[i]) return Vital(i);
    throw std::invalid_argument("no vital sign " + name);
}

// One layer as a vital sign sees it, see core.records.LayerView; arrays are [unit][sample].
template <class T> struct Sight {
    const Pack<T> *pre_activation, *activation, *slope, *gradient;
    int pre_activations, units, samples;
    size_t weights;       // of the gradient
    bool elementwise;     // whether there is a slope
    Pack<T> largest_slope;
};

template <class T> Pack<T> mean(const Pack<T>* x, size_t count) {
    Pack<T> sum{};
    for (size_t i = 0; i < count; ++i) sum = sum + x[i];
    return sum / T(count);
}

template <class T> Pack<T> deviation(const Pack<T>* x, size_t count) {
    const Pack<T> middle = mean<T>(x, count);
    Pack<T> sum{};
    for (size_t i = 0; i < count; ++i) sum = sum + (x[i] - middle) * (x[i] - middle);
    return sqrt(sum / T(count));
}

// Share of units that answer 0 to every sample.
template <class T> Pack<T> dead(const Sight<T>& layer) {
    Pack<T> sum{};
    for (int j = 0; j < layer.units; ++j) {
        Mask<T> silent = Mask<T>{} - 1;
        for (int s = 0; s < layer.samples; ++s) silent &= layer.activation[size_t(j) * layer.samples + s] == Pack<T>{};
        sum = sum + select(silent, all(T(1)), Pack<T>{});
    }
    return sum / T(layer.units);
}

// Share of units whose mean slope is under 5 % of the activation's largest.
template <class T> Pack<T> saturated(const Sight<T>& layer) {
    if (!layer.elementwise) return all(std::numeric_limits<T>::quiet_NaN());
    Pack<T> sum{};
    for (int j = 0; j < layer.units; ++j) {
        Pack<T> slope{};
        for (int s = 0; s < layer.samples; ++s) slope = slope + abs<T>(layer.slope[size_t(j) * layer.samples + s]);
        slope = slope / T(layer.samples);
        const Pack<T> flat = select(slope < T(0.05) * layer.largest_slope, all(T(1)), Pack<T>{});
        sum = sum + select(slope == slope, flat, slope);
    }
    return sum / T(layer.units);
}

// Squares are of gradients over the largest one, so that those of tiny ones do not underflow.
template <class T> Pack<T> gradient_rms(const Sight<T>& layer) {
    Pack<T> largest{}, sum{};
    for (size_t i = 0; i < layer.weights; ++i) largest = larger(abs<T>(layer.gradient[i]), largest);
    const Pack<T> scale = select(largest > Pack<T>{}, largest, all(T(1)));
    for (size_t i = 0; i < layer.weights; ++i) {
        const Pack<T> share = layer.gradient[i] / scale;
        sum = sum + share * share;
    }
    return scale * sqrt(sum / T(layer.weights));
}

// Mean cosine between the answers u to two different inputs: |Σ u|² − Σ |u|² over unit vectors, silent ones all along
// an axis of their own.
template <class T> Pack<T> correlation(const Sight<T>& layer) {
    const int samples = layer.samples;
    if (samples < 2) return all(std::numeric_limits<T>::quiet_NaN());
    std::vector<Pack<T>> together(layer.units);
    Pack<T> silent{}, total{};
    for (int s = 0; s < samples; ++s) {
        Pack<T> largest{}, squares{};
        for (int j = 0; j < layer.units; ++j) largest = larger(abs<T>(layer.activation[size_t(j) * samples + s]), largest);
        const Pack<T> scale = select(largest > Pack<T>{}, largest, all(T(1)));
        for (int j = 0; j < layer.units; ++j) {
            const Pack<T> share = layer.activation[size_t(j) * samples + s] / scale;
            squares = squares + share * share;
        }
        const Mask<T> nothing = squares == Pack<T>{};
        const Pack<T> length = scale * select(nothing, all(T(1)), sqrt(squares));
        for (int j = 0; j < layer.units; ++j) together[j] = together[j] + layer.activation[size_t(j) * samples + s] / length;
        silent = silent + select(nothing, all(T(1)), Pack<T>{});
    }
    for (const Pack<T>& sum : together) total = total + sum * sum;
    return (total + silent * silent - T(samples)) / T(double(samples) * (samples - 1));
}

template <class T> Pack<T> measure(Vital vital, const Sight<T>& layer) {
    const size_t before = size_t(layer.pre_activations) * layer.samples, after = size_t(layer.units) * layer.samples;
    switch (vital) {
        case Vital::pre_activation_mean: return mean<T>(layer.pre_activation, before);
        case Vital::pre_activation_std: return deviation<T>(layer.pre_activation, before);
        case Vital::activation_mean: return mean<T>(layer.activation, after);
        case Vital::activation_std: return deviation<T>(layer.activation, after);
        case Vital::dead: return dead<T>(layer);
        case Vital::saturated: return saturated<T>(layer);
        case Vital::gradient_rms: return gradient_rms<T>(layer);
        case Vital::correlation: return correlation<T>(layer);
    }
    return Pack<T>{};
}

}  // namespace lanes
