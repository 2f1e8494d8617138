// Elementary functions of lanes, by operations that IEEE 754 rounds exactly: the same bits on every processor.
// Errors are under 2 units of the last place, tested against exact values in tests/test_lanes_math.py. Denormal numbers
// count as 0, as arguments and as results. Here are exponentials, logarithms, hyperbolic and error functions; the
// others are in trigonometry.hpp and power.hpp.
//
// Polynomials are Taylor's after a reduction of the argument; the number of terms is what the type needs. Those of the
// exponential, of the tanh and of the error function interpolate at Chebyshev's points: `exp_terms` (eʳ − 1 − r)/r² in r
// on [−ln √2, ln √2], `tanh_terms` (tanh(x)/x − 1)/x² in x² on [0, 0.4], `erf_terms` erf(x)/x − 1 in x² on [0, 1],
// `erfc_terms` (a + k) exp(a²) erfc(a) in (a − k)/(a + k) for a up to `tail_end`, k being `tail_turn`.
#pragma once

#include <array>
#include <cstddef>

#include "double_word.hpp"

namespace lanes {

template <class T> struct Format;
template <> struct Format<float> {
    static constexpr int fraction = 23, bias = 127;
    static constexpr float magic = 0x1.8p23f;  // adding it rounds to a whole number, held in the low bits
    static constexpr float ln2_high = 0x1.62e4p-1f, ln2_low = 0x1.7f7d1cp-20f;
    static constexpr float exp_low = -104.0f, exp_high = 88.8f;
    static constexpr int log_terms = 6, sinh_terms = 5;
    static constexpr float tail_turn = 2, tail_end = 10.1f;
    static constexpr float erfc_terms[] = {6.3721789047122e-05f, 3.8545204006368294e-05f,
        -0.0005879973759874701f, -0.0008226513746194541f, 0.003061688505113125f, 0.00647225184366107f,
        -0.02150571532547474f, -0.03644125163555145f, 0.2794717848300934f, -0.6871607303619385f,
        1.0215827226638794f};
    static constexpr float exp_terms[] = {0.0013926213141530752f, 0.008363203145563602f, 0.041666556149721146f,
        0.16666576266288757f, 0.5f};
    static constexpr float tanh_terms[] = {0.0022695015650242567f, -0.0083231870085001f, 0.021762503311038017f,
        -0.053958460688591f, 0.1333329975605011f, -0.3333333432674408f};
    static constexpr float erf_terms[] = {7.875874871388078e-05f, -0.000801686430349946f, 0.005189087241888046f,
        -0.02685421146452427f, 0.11283594369888306f, -0.3761262595653534f, 0.12837916612625122f};
};
template <> struct Format<double> {
    static constexpr int fraction = 52, bias = 1023;
    static constexpr double magic = 0x1.8p52;
    static constexpr double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;
    static constexpr double exp_low = -750.0, exp_high = 709.9;
    static constexpr int log_terms = 12, sinh_terms = 8;
    static constexpr double tail_turn = 4, tail_end = 27;
    static constexpr double erfc_terms[] = {8.690024847398464e-10, -7.618640755130118e-10,
        -1.524032739771575e-08, 3.672436793466471e-09, 1.242015356031439e-07, -7.925548689633914e-08,
        -8.46611075551616e-07, 1.4269555514790643e-06, 4.694837292458508e-06, -1.8862144901542804e-05,
        -3.6353826014171695e-06, 0.00017681318319289938, -0.00045505262483978447, -0.0002809589325332724,
        0.0061120556462494315, -0.026370053332813836, 0.07638151491013245, -0.17401093724040378,
        0.33085158787797714, -0.5408538313132214, 0.7732087022652376, -0.9765487290808821, 1.095995661000491};
    static constexpr double exp_terms[] = {2.5100424157005067e-08, 2.7620138719733994e-07, 2.7557268378684192e-06,
        2.480152119021773e-05, 0.00019841269863105968, 0.0013888888917281794, 0.008333333333330051,
        0.04166666666662399, 0.16666666666666669, 0.5000000000000001};
    static constexpr double tanh_terms[] = {-2.3855792506852403e-06, 1.2088687074776859e-05,
        -3.696052213648087e-05, 9.597236307523198e-05, -0.00023886464784210452, 0.0005899759192025679,
        -0.0014558274668432423, 0.003592127410695045, -0.008863235493441429, 0.021869488534887755,
        -0.053968253968231024, 0.13333333333333316, -0.3333333333333333};
    static constexpr double erf_terms[] = {5.957176147746114e-11, -1.1372848856789924e-09,
        1.4659775274046955e-08, -1.6350312701054618e-07, 1.6461000484121361e-06, -1.4925595266831182e-05,
        0.0001205533111164271, -0.000854832698083379, 0.0052239776248180145, -0.026866170645076792,
        0.11283791670954879, -0.3761263890318375, 0.1283791670955126};
};

template <class T> inline Pack<T> abs(Pack<T> x) {
    return from_bits<T>(bits<T>(x) & std::numeric_limits<typename Types<T>::integer>::max());
}
template <class T> inline Pack<T> copysign(Pack<T> size, Pack<T> sign) {
    constexpr auto top = std::numeric_limits<typename Types<T>::integer>::min();
    return from_bits<T>((bits<T>(size) & ~top) | (bits<T>(sign) & top));
}

// The terms of a polynomial, the highest power first, or the first `count` of them.
template <class T, class Terms>
inline Pack<T> polynomial(const Terms& terms, Pack<T> x, size_t count = sizeof(Terms) / sizeof(T)) {
    Pack<T> result = all(terms[0]);
    for (size_t i = 1; i < count; ++i) result = fma(result, x, all(terms[i]));
    return result;
}

// Such terms from a formula for that of the power k.
template <class T, size_t N, class Formula> constexpr std::array<T, N> terms_of(Formula term) {
    std::array<T, N> terms{};
    for (size_t i = 0; i < N; ++i) terms[i] = T(term(int(N - 1 - i)));
    return terms;
}

constexpr double factorial(int n) { return n < 2 ? 1 : n * factorial(n - 1); }

// 2ⁿ for whole n in the range of exponents; `shifted` is n + magic.
template <class T> inline Pack<T> power_of_2(Pack<T> shifted) {
    return from_bits<T>(wrapped_sum<T>(bits<T>(shifted), Mask<T>{} + Format<T>::bias) << Format<T>::fraction);
}

// p 2ⁿ for whole n, in two factors, as 2ⁿ alone may overflow.
template <class T> inline Pack<T> scale(Pack<T> p, Pack<T> n) {
    const T magic = Format<T>::magic;
    const Pack<T> half = fma(n, all(T(0.5)), all(magic));
    return p * power_of_2<T>(half) * power_of_2<T>(n - (half - magic) + magic);
}

// (eʳ − 1 − r) / r² for |r| ≤ ln 2 / 2.
template <class T> inline Pack<T> exp_rest(Pack<T> r) { return polynomial<T>(Format<T>::exp_terms, r); }

// x = n ln 2 + r.
template <class T> struct Exponent { Pack<T> n, r; };
template <class T> inline Exponent<T> reduce_exponent(Pack<T> x) {
    using F = Format<T>;
    const Pack<T> n = fma(x, all(T(1.4426950408889634)), all(F::magic)) - F::magic;
    return {n, fma(n, all(-F::ln2_low), fma(n, all(-F::ln2_high), x))};
}

// eˣ = (1 + p) 2ⁿ, for x in the range of exponents.
template <class T> struct Power { Pack<T> n, p; };
template <class T> inline Power<T> split_exp(Pack<T> x) {
    const Exponent<T> e = reduce_exponent<T>(x);
    return {e.n, fma(e.r * e.r, exp_rest<T>(e.r), e.r)};
}

// The same for an x of double words, brought into that range.
template <class T> inline Power<T> wide_exp(Wide<T> x) {
    using F = Format<T>;
    const Pack<T> low = all(F::exp_low), high = all(F::exp_high);
    const Pack<T> bounded = select(x.high < low, low, select(x.high > high, high, x.high));
    const Pack<T> n = fma(bounded, all(T(1.4426950408889634)), all(F::magic)) - F::magic;
    const Pack<T> first = fma(n, all(-F::ln2_high), bounded), r = fma(n, all(-F::ln2_low), first);
    const Pack<T> lost = fma(n, all(-F::ln2_low), first - r) + x.low, rest = r * r * exp_rest<T>(r);
    return {n, r + (rest + fma(lost, r + rest, lost))};
}

// eˣ 2ⁿ, for n of a few units.
template <class T> inline Pack<T> scaled_exp(Pack<T> x, T n) {
    const T low = Format<T>::exp_low, high = Format<T>::exp_high + 1;
    const Power<T> e = split_exp<T>(select(x < low, all(low), select(x > high, all(high), x)));
    return scale<T>(e.p + T(1), e.n + n);
}

template <class T> inline Pack<T> exp(Pack<T> x) { return scaled_exp<T>(x, T(0)); }

// eˣ for x ≤ 0: no scale can overflow, and what falls below the least normal number is flushed to 0.
template <class T> inline Pack<T> exp_of_negative(Pack<T> x) {
    constexpr T low = sizeof(T) == 4 ? T(-87.6) : T(-708.7);
    const Power<T> e = split_exp<T>(larger(x, all(low)));
    const Pack<T> size = power_of_2<T>(e.n + Format<T>::magic);
    return fma(e.p, size, size);
}

// eˣ − 1.
template <class T> inline Pack<T> expm1(Pack<T> x) {
    using F = Format<T>;
    const Pack<T> low = all(T(-40));  // below, the result rounds to −1
    const Pack<T> bounded = select(x < low, low, select(x > F::exp_high, all(F::exp_high), x));
    const Exponent<T> e = reduce_exponent<T>(bounded);
    const Pack<T> curve = e.r * e.r * exp_rest<T>(e.r);  // eʳ − 1 is the sum of r and this; where n is 1, r nearly cancels
    const Pack<T> half = power_of_2<T>(e.n - T(1) + F::magic);
    const Pack<T> result = T(2) * fma(half, curve, fma(half, e.r, half - T(0.5)));
    return select(x == Pack<T>{}, x, select(e.n == Pack<T>{}, e.r + curve, result));  // −0 keeps its sign
}

// ln(m 2ᵏ) for m in [√½, √2), where f = m − 1, and `less` is taken off f (what rounding put there).
template <class T> inline Pack<T> log_parts(Pack<T> k, Pack<T> f, Pack<T> more) {
    using F = Format<T>;
    const Pack<T> s = f / (f + T(2)), z = s * s, half_square = T(0.5) * f * f;
    constexpr auto terms = terms_of<T, F::log_terms>([](int i) { return 2.0 / (2 * i + 3); });
    const Pack<T> tail = fma(k, all(F::ln2_low), more) + s * fma(polynomial<T>(terms, z), z, half_square);
    return fma(k, all(F::ln2_high), f - (half_square - tail));
}

// x = m 2ᵏ with m in [√½, √2), for x that is positive and finite; `count` is k.
template <class T> struct Parts { Pack<T> count, m; };
template <class T> inline Parts<T> take_apart(Pack<T> x) {
    using F = Format<T>;
    const Mask<T> start = bits<T>(all(T(0.70710678118654752)));
    const Mask<T> k = wrapped_difference<T>(bits<T>(x), start) >> F::fraction;
    const Pack<T> m = from_bits<T>(wrapped_difference<T>(bits<T>(x), k << F::fraction));
    return {from_bits<T>(bits<T>(all(F::magic)) + k) - F::magic, m};
}

// ln x + more, for x that is positive and finite.
template <class T> inline Pack<T> log_positive(Pack<T> x, Pack<T> more) {
    const Parts<T> parts = take_apart<T>(x);
    return log_parts<T>(parts.count, parts.m - T(1), more);
}

template <class T> inline Pack<T> log_special(Pack<T> x, Pack<T> result) {
    const T infinity = std::numeric_limits<T>::infinity();
    result = select(x == infinity, all(infinity), result);
    result = select(x == Pack<T>{}, all(-infinity), result);
    return select(x >= Pack<T>{}, result, all(std::numeric_limits<T>::quiet_NaN()));
}

template <class T> inline Pack<T> log(Pack<T> x) { return log_special<T>(x, log_positive<T>(x, Pack<T>{})); }

// ln(1 + x).
template <class T> inline Pack<T> log1p(Pack<T> x) {
    const Pack<T> u = x + T(1);
    const Pack<T> lost = select(x > T(1), T(1) - (u - x), x - (u - T(1)));
    return select(x == Pack<T>{}, x, log_special<T>(u, log_positive<T>(u, lost / u)));
}

template <class T> inline Pack<T> sigmoid(Pack<T> x) {
    const Pack<T> e = exp_of_negative<T>(-abs<T>(x));
    return divide<T>({select(x < Pack<T>{}, e, all(T(1))), Pack<T>{}}, ordered_sum<T>(all(T(1)), e)).high;
}

// ln(1 + eˣ).
template <class T> inline Pack<T> softplus(Pack<T> x) {
    return larger(x, Pack<T>{}) + log1p<T>(exp_of_negative<T>(-abs<T>(x)));
}

template <class T> inline Pack<T> sinh(Pack<T> x) {
    constexpr auto terms = terms_of<T, Format<T>::sinh_terms>([](int k) { return 1 / factorial(2 * k + 3); });
    const Pack<T> size = abs<T>(x), z = x * x;
    const Pack<T> half = scaled_exp<T>(size, T(-1)), large = half - T(0.25) / half;
    return copysign<T>(select(size < T(1), fma(size * z, polynomial<T>(terms, z), size), large), x);
}

template <class T> inline Pack<T> cosh(Pack<T> x) {
    const Pack<T> half = scaled_exp<T>(abs<T>(x), T(-1));
    return half + T(0.25) / half;
}

// The inverse of sinh: ln(a + √(1 + a²)) for a ≥ 0.
template <class T> inline Pack<T> asinh(Pack<T> x) {
    const Pack<T> a = abs<T>(x), one = all(T(1)), square = a * a;
    const Wide<T> y = ordered_sum<T>(a, square / (sqrt(square + one) + one)), u = exact_sum<T>(one, y.high);
    const Mask<T> far = a > T(int64_t(1) << (Format<T>::fraction / 2 + 2));  // where it is ln 2a
    const Pack<T> more = select(far, all(T(0.69314718055994531)), (u.low + y.low) / u.high);
    const Pack<T> argument = select(far, a, u.high);
    return copysign<T>(log_special<T>(argument, log_positive<T>(argument, more)), x);
}

template <class T> inline Pack<T> tanh(Pack<T> x) {
    const Pack<T> size = abs<T>(x), square = x * x;
    const Pack<T> small = fma(x * square, polynomial<T>(Format<T>::tanh_terms, square), x);
    const Pack<T> e = exp_of_negative<T>(T(-2) * size), large = T(1) - (e + e) / (e + T(1));
    return copysign<T>(select(size < T(0.625), small, large), x);
}

// exp(−a²) and erfc(a) for a ≥ 0.
template <class T> struct Tail { Pack<T> gauss, area; };
template <class T> inline Tail<T> tail(Pack<T> a) {
    using F = Format<T>;
    a = smaller(a, all(F::tail_end));
    const Pack<T> square = a * a, lost = fma(a, a, -square);  // the square's rounding would be magnified
    const Pack<T> e = exp_of_negative<T>(-square), gauss = fma(-e, lost, e), reciprocal = T(1) / (a + F::tail_turn);
    return {gauss, gauss * polynomial<T>(F::erfc_terms, fma(reciprocal, all(-2 * F::tail_turn), all(T(1)))) * reciprocal};
}

// erf x for |x| ≤ 1.
template <class T> inline Pack<T> erf_near_0(Pack<T> x) {
    return fma(x, polynomial<T>(Format<T>::erf_terms, x * x), x);
}

// In double words where roundings would add up; the area of `tail` is several units of the last place off.
template <class T> inline Pack<T> erfc(Pack<T> x) {
    using F = Format<T>;
    constexpr auto& c = F::erfc_terms;
    constexpr size_t last = sizeof c / sizeof(T) - 1;
    const Pack<T> size = abs<T>(x), a = select(size > F::tail_end, all(F::tail_end), size), turn = all(F::tail_turn);
    const Wide<T> bottom = exact_sum<T>(a, turn), t = divide<T>(exact_sum<T>(a, -turn), bottom);
    Wide<T> rise = exact_product<T>(t.high, polynomial<T>(c, t.high, last));
    const Pack<T> curve = fma(t.high, all(3 * c[last - 3]), all(2 * c[last - 2]));  // of the slope its largest terms
    rise.low = fma(t.low, fma(t.high, curve, all(c[last - 1])), rise.low);
    const Wide<T> top = add<T>({all(c[last]), Pack<T>{}}, rise), square = exact_product<T>(a, a);
    const Power<T> e = wide_exp<T>({-square.high, -square.low});
    const Pack<T> area = scale<T>(multiply<T>(ordered_sum<T>(all(T(1)), e.p), divide<T>(top, bottom)).high, e.n);
    const Pack<T> near_0 = (T(1) - x) - x * polynomial<T>(F::erf_terms, x * x);
    return select(size < T(0.75), near_0, select(x < Pack<T>{}, T(2) - area, area));
}

template <class T> inline Pack<T> erf(Pack<T> x) {
    const Pack<T> inside = erf_near_0<T>(x);
    return select(abs<T>(x) < T(1), inside, copysign<T>(T(1) - tail<T>(abs<T>(x)).area, x));
}

}  // namespace lanes
