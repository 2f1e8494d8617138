// Trigonometric functions of lanes and their inverses; see vector_math.hpp.
//
// The polynomials interpolate at Chebyshev's points (f(x)/x − 1)/x² in x²: `tan_terms` on [0, π/4], `asin_terms` on
// [0, 1/2], `atan_terms` on [0, 1]. Those of sine and cosine are Taylor's.
#pragma once

#include "vector_math.hpp"

namespace lanes {

template <class T> struct Circle;
template <> struct Circle<float> {
    static constexpr float half_pi[3] = {0x1.921fb6p0f, -0x1.777a5cp-25f, -0x1.ee59dap-50f};
    static constexpr float limit = 3e4f;
    static constexpr int sine_terms = 5;
    static constexpr float tan_terms[] = {0.0038514785f, 0.0011712547f, 0.009970961f, 0.021618612f, 0.053994786f,
        0.1333323f, 0.33333334f};
    static constexpr float asin_terms[] = {0.033690847f, 0.017149238f, 0.031100662f, 0.044599403f, 0.07500094f,
        0.16666666f};
    static constexpr float atan_terms[] = {-0.0023869972f, 0.013507771f, -0.03587154f, 0.06250169f, -0.0865688f,
        0.110337645f, -0.14278568f, 0.1999974f, -0.3333333f};
};
template <> struct Circle<double> {
    static constexpr double half_pi[3] = {0x1.921fb54442d18p0, 0x1.1a62633145c07p-54, -0x1.f1976b7ed8fbcp-110};
    static constexpr double limit = 1e6;
    static constexpr int sine_terms = 10;
    static constexpr double tan_terms[] = {8.522839549794808e-06, -1.847950489096145e-05, 3.682034308875753e-05,
        -1.1344869597443087e-05, 5.5823306278008466e-05, 8.987051776064762e-05, 0.00024126545595361983,
        0.0005895662392801854, 0.0014559042981775359, 0.0035921208049690275, 0.008863236016252708,
        0.021869488516520486, 0.053968253968667945, 0.1333333333333299, 0.3333333333333333};
    static constexpr double asin_terms[] = {0.028757851367421566, -0.014851887071247204, 0.01740087944269402,
        0.005457506718640358, 0.01032281435018578, 0.011479177415184906, 0.013971212973552933, 0.017352392720869973,
        0.02237217294214989, 0.030381944138531247, 0.04464285714635543, 0.07499999999998433, 0.16666666666666669};
    static constexpr double atan_terms[] = {1.806195461861215e-05, -0.00019996189377901382, 0.0010496035084968515,
        -0.0034958859739163094, 0.008368931178450162, -0.015535152475414177, 0.023696731580048622,
        -0.031277189066996385, 0.03749486812535247, -0.04260356632601652, 0.04737749579527779,
        -0.052579733342841106, 0.05881506877793656, -0.06666564699289104, 0.07692298971033217,
        -0.09090908590891934, 0.11111111093490827, -0.14285714285384132, 0.1999999999999753, -0.3333333333333333};
};

// x = n π/2 + r with |r| ≤ π/4, for |x| ≤ Circle::limit (Cody and Waite's reduction); `quarter` is n's last bits.
template <class T> struct Angle { Wide<T> r; Mask<T> quarter; };
template <class T> inline Angle<T> reduce_angle(Pack<T> x) {
    using C = Circle<T>;
    const Pack<T> shifted = fma(x, all(T(0.63661977236758134)), all(Format<T>::magic)), n = shifted - Format<T>::magic;
    const Pack<T> first = fma(n, all(-C::half_pi[0]), x);  // exact
    const Wide<T> second = exact_product<T>(n, all(-C::half_pi[1])), r = exact_sum<T>(first, second.high);
    return {ordered_sum<T>(r.high, r.low + fma(n, all(-C::half_pi[2]), second.low)), bits<T>(shifted)};
}

// `result`, but from the C library where |x| is beyond the reduction: for what is rare, lane by lane. In double
// precision, so that a float's bits are those of every library; a double's may differ between libraries there.
template <class T, class F> inline Pack<T> far_too(Pack<T> result, Pack<T> x, F function) {
    const Mask<T> far = abs<T>(x) > Circle<T>::limit;
    if (any<T>(far))
        for (int i = 0; i < width<T>; ++i)
            if (far[i]) result[i] = T(function(double(x[i])));
    return result;
}

// sin(x + turns · π/2), but for x beyond the reduction.
template <class T> inline Pack<T> sine(Pack<T> x, int turns) {
    using C = Circle<T>;
    const Angle<T> angle = reduce_angle<T>(x);
    const Pack<T> r = angle.r.high, low = angle.r.low, z = r * r;
    // sin r = r + r z S(z), cos r = 1 − z/2 + z² C(z).
    constexpr auto s_terms = terms_of<T, C::sine_terms>([](int k) { return (k % 2 ? 1 : -1) / factorial(2 * k + 3); });
    constexpr auto c_terms = terms_of<T, C::sine_terms - 1>([](int k) { return (k % 2 ? -1 : 1) / factorial(2 * k + 4); });
    const Pack<T> s = polynomial<T>(s_terms, z), c = polynomial<T>(c_terms, z);
    const Pack<T> half = T(0.5) * z, head = T(1) - half;
    const Pack<T> sin_r = r + fma(r * z, s, low * head), cos_r = head + (fma(z * z, c, (T(1) - head) - half) - r * low);
    const Mask<T> place = wrapped_sum<T>(angle.quarter, Mask<T>{} + turns);
    const Pack<T> size = select((place & 1) == Mask<T>{}, sin_r, cos_r);
    return select((place & 2) == Mask<T>{}, size, -size);
}

template <class T> inline Pack<T> sin(Pack<T> x) {
    const Pack<T> result = select(x == Pack<T>{}, x, sine<T>(x, 0));  // −0 keeps its sign
    return far_too<T>(result, x, [](double v) { return std::sin(v); });
}

template <class T> inline Pack<T> cos(Pack<T> x) {
    return far_too<T>(sine<T>(x, 1), x, [](double v) { return std::cos(v); });
}

template <class T> inline Pack<T> tan(Pack<T> x) {
    const Angle<T> angle = reduce_angle<T>(x);
    const Pack<T> r = angle.r.high, z = r * r, p = polynomial<T>(Circle<T>::tan_terms, z);
    // tan(r + low) = tan r + low (1 + tan² r), the tangent in the correction being near enough as r + r z p.
    const Pack<T> rise = r * z * p, about = r + rise;
    const Wide<T> tangent = ordered_sum<T>(r, rise + angle.r.low * fma(about, about, all(T(1))));
    const Pack<T> inverse = T(-1) / tangent.high;  // tan(x + π/2) = −1/tan x
    const Pack<T> lost = fma(inverse, tangent.high, all(T(1))) + inverse * tangent.low;
    const Pack<T> turned = fma(inverse, lost, inverse);
    const Pack<T> result = select((angle.quarter & 1) == Mask<T>{}, tangent.high, turned);
    return far_too<T>(select(x == Pack<T>{}, x, result), x, [](double v) { return std::tan(v); });
}

template <class T> inline Pack<T> asin(Pack<T> x) {
    using C = Circle<T>;
    // For |x| > ½, asin x = π/2 − 2 asin √((1 − x)/2).
    const Pack<T> size = abs<T>(x), zero{};
    const Mask<T> high = size > T(0.5);
    const Pack<T> z = select(high, T(0.5) * (T(1) - size), size * size), s = select(high, sqrt(z), size);
    const Pack<T> rise = s * z * polynomial<T>(C::asin_terms, z);
    const Pack<T> lost = select(s == zero, zero, fma(-s, s, z) / s);  // twice what rounding took off the root
    const Pack<T> eighth = all(T(0.5) * C::half_pi[0]);
    const Pack<T> beyond = eighth - ((T(2) * rise - (C::half_pi[1] - lost)) - (eighth - T(2) * s));
    return copysign<T>(select(high, beyond, s + rise), x);
}

template <class T> inline Pack<T> atan(Pack<T> x) {
    using C = Circle<T>;
    // For |x| > 1, atan x = π/2 − atan 1/x.
    const Pack<T> size = abs<T>(x);
    const Mask<T> high = size > T(1);
    const Pack<T> t = select(high, T(1) / size, size), z = t * t;
    const Pack<T> rise = t * z * polynomial<T>(C::atan_terms, z);
    const Pack<T> beyond = (C::half_pi[0] - t) - (rise - C::half_pi[1]);
    return copysign<T>(select(high, beyond, t + rise), x);
}

}  // namespace lanes
