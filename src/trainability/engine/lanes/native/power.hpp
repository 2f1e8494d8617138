// Logarithms to base 2 and powers of lanes, in double-word arithmetic; see vector_math.hpp.
#pragma once

#include "vector_math.hpp"

namespace lanes {

template <class T> struct Ratio;
template <> struct Ratio<float> {
    static constexpr int terms = 6;
    static constexpr float third[2] = {0x1.555556p-1f, -0x1.555556p-26f};  // 2/3
    static constexpr float fifth[2] = {0x1.99999ap-2f, -0x1.99999ap-28f};  // 2/5
    static constexpr float inverse_ln2[2] = {0x1.715476p0f, 0x1.4ae0cp-26f};
};
template <> struct Ratio<double> {
    static constexpr int terms = 12;
    static constexpr double third[2] = {0x1.5555555555555p-1, 0x1.5555555555555p-55};
    static constexpr double fifth[2] = {0x1.999999999999ap-2, -0x1.999999999999ap-56};
    static constexpr double inverse_ln2[2] = {0x1.71547652b82fep0, 0x1.777d0ffda0d24p-56};
};

template <class T> inline Wide<T> both(const T (&parts)[2]) { return {all(parts[0]), all(parts[1])}; }

// ln x, for x that is positive and finite. With s = (m − 1)/(m + 1), ln m = s (2 + z (2/3 + z (2/5 + …))), z = s².
template <class T> inline Wide<T> wide_log(Pack<T> x) {
    using F = Format<T>;
    using R = Ratio<T>;
    const Parts<T> parts = take_apart<T>(x);
    const Pack<T> f = parts.m - T(1), zero{};
    const Wide<T> s = divide<T>({f, zero}, ordered_sum<T>(all(T(2)), f)), z = multiply<T>(s, s);
    constexpr auto terms = terms_of<T, R::terms - 2>([](int i) { return 2.0 / (2 * i + 7); });
    Wide<T> series = add<T>(both<T>(R::fifth), {z.high * polynomial<T>(terms, z.high), zero});
    series = add<T>(both<T>(R::third), multiply<T>(z, series));
    series = add<T>({all(T(2)), zero}, multiply<T>(z, series));
    const Pack<T> count = parts.count;  // times the high part of ln 2 it is exact
    return add<T>({count * F::ln2_high, count * F::ln2_low}, multiply<T>(s, series));
}

template <class T> inline Pack<T> log2(Pack<T> x) {
    return log_special<T>(x, multiply<T>(wide_log<T>(x), both<T>(Ratio<T>::inverse_ln2)).high);
}

// The whole number nearest to x ≥ 0.
template <class T> inline Pack<T> nearest(Pack<T> x) {
    const T whole = T(int64_t(1) << Format<T>::fraction);  // from here on all numbers are whole
    return select(x < whole, (x + whole) - whole, x);
}

// x to the power y; what is special is as in C (ISO/IEC 9899, annex F).
template <class T> inline Pack<T> pow(Pack<T> x, Pack<T> y) {
    const T infinity = std::numeric_limits<T>::infinity();
    const Pack<T> zero{}, one = all(T(1)), nothing = all(std::numeric_limits<T>::quiet_NaN());
    const Pack<T> size = abs<T>(x), exponent = abs<T>(y);
    const Mask<T> whole = nearest<T>(exponent) == exponent;
    const Mask<T> odd = whole & (nearest<T>(T(0.5) * exponent) != T(0.5) * exponent);

    Wide<T> log = wide_log<T>(size);
    log.high = select(size == zero, all(-infinity), select(size == infinity, size, log.high));
    Wide<T> product = exact_product<T>(y, log.high);
    product.high = select(size == one, zero, product.high);  // also for an infinite y
    const Mask<T> usual = (abs<T>(product.high) < T(2) * Format<T>::exp_high) & (size != one);
    product.low = select(usual, fma(y, log.low, product.low), zero);
    const Power<T> e = wide_exp<T>(product);
    Pack<T> result = scale<T>(e.p + one, e.n);

    result = select(odd, copysign<T>(result, x), result);
    result = select((x < zero) & (x > -infinity) & ~whole, nothing, result);
    result = select((x == x) & (y == y), result, nothing);
    return select((x == one) | (y == zero), one, result);
}

}  // namespace lanes
