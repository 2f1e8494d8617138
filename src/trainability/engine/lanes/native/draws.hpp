// The first weights' draws of core/random.py, operation by operation, so that they are the same bits: `width` places of
// one network at once. In NumPy they cost as much as dozens of steps, and hold Python's lock.
#pragma once

#include <string>

#include "random.hpp"

namespace lanes {

// A ratio of two polynomials, the lowest power first.
struct Quotient { double upper[8], lower[8]; };
constexpr Quotient wichura_centre = {
    {3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
     4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3},
    {1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
     2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3}};
constexpr Quotient wichura_tail = {
    {1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
     1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4},
    {1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9}};
constexpr Quotient wichura_far_tail = {
    {6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
     2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7},
    {1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
     7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15}};

using Numbers = Pack<double>;

inline Numbers value(const Quotient& ratio, Numbers x) {
    Numbers upper{}, lower{};
    for (int i = 7; i >= 0; --i) {
        upper = upper * x + ratio.upper[i];
        lower = lower * x + ratio.lower[i];
    }
    return upper / lower;
}

// The natural logarithm of positive normal numbers, by operations that IEEE 754 rounds exactly.
inline Numbers plain_log(Numbers x) {
    const Mask<double> bits_of_x = bits<double>(x);
    const Mask<double> exponent = (bits_of_x >> 52) - 1022;
    Numbers mantissa = from_bits<double>((bits_of_x & 0x000fffffffffffff) | 0x3fe0000000000000);
    const Mask<double> small = mantissa < 0.7071067811865476;
    mantissa = select(small, 2.0 * mantissa, mantissa);
    const Numbers s = (mantissa - 1.0) / (mantissa + 1.0), square = s * s;
    Numbers series{};
    for (int k = 23; k > 0; k -= 2) series = series * square + 1.0 / k;
    return __builtin_convertvector(exponent + small, Numbers) * 0.6931471805599453 + 2.0 * s * series;
}

// Standard normal numbers from uniform ones in (0, 1): Wichura's AS 241, as in core/random.py.
inline Numbers normal(Numbers u) {
    const Numbers q = u - 0.5;
    const Numbers near = q * value(wichura_centre, 0.180625 - q * q);
    const Numbers r = sqrt(-plain_log(smaller(u, 1.0 - u)));
    const Numbers far = select(r <= 5.0, value(wichura_tail, r - 1.6), value(wichura_far_tail, r - 5.0));
    const Mask<double> central = (q <= 0.425) & (q >= -0.425), negative = q < 0.0;
    return select(central, near, select(negative, -far, far));
}

// Uniform in the open interval (0, 1): the middle of one of 2⁵² equal parts.
inline Numbers open_uniform(const Pair<WordPack<double>>& bits) {
    const auto high = __builtin_convertvector(bits.first, Mask<double>), low = __builtin_convertvector(bits.second, Mask<double>);
    return (__builtin_convertvector((high << 20) | (low >> 12), Numbers) + 0.5) * 0x1p-52;
}

enum class Distribution { uniform, normal, truncated_normal };
inline Distribution distribution_named(const std::string& name) {
    if (name == "uniform") return Distribution::uniform;
    if (name == "normal") return Distribution::normal;
    if (name == "truncated_normal") return Distribution::truncated_normal;
    throw std::invalid_argument("unknown distribution " + name);
}

inline Numbers drawn(Distribution distribution, Numbers u) {
    constexpr double low = 0.022750131948179209;  // Φ(−2)
    if (distribution == Distribution::uniform) return 2.0 * u - 1.0;
    return normal(distribution == Distribution::normal ? u : low + u * (1.0 - 2.0 * low));
}

// `count` numbers of layer `layer` for each of `trials` keys (two words each), before scaling.
inline void draw(Distribution distribution, const uint32_t* keys, size_t trials, uint32_t layer, size_t count, double* result) {
    using Words = WordPack<double>;
    Words steps;
    for (int i = 0; i < width<double>; ++i) steps[i] = uint32_t(i);
    for (size_t trial = 0; trial < trials; ++trial) {
        const Pair<Words> key{Words{} + keys[2 * trial], Words{} + keys[2 * trial + 1]};
        for (size_t i = 0; i < count; i += width<double>) {
            const Numbers numbers = drawn(distribution, open_uniform(threefry<Words>(key, Words{} + layer, steps + uint32_t(i))));
            const size_t left = count - i < width<double> ? count - i : width<double>;
            std::memcpy(result + trial * count + i, &numbers, left * sizeof(double));
        }
    }
}

}  // namespace lanes
