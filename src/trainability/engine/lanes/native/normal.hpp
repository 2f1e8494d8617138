// The standard normal distribution: its density φ(x) and, beside it, the share Φ(−|x|) that lies beyond.
//
// Φ(−a) is φ(a) times Mills' ratio, which falls from √(π/2) like 1/a: a quotient of two polynomials in a, whose terms are
// all positive, so that nothing cancels. The quotients interpolate the ratio on [0, end] at Chebyshev's points of
// (a − k)/(a + k), k being 2 for float32 and 4 for float64; `exp2_terms` (2ʳ − 1)/r at those of [−½, ½]. The errors are
// 2^−24.6 and 2^−54.5 before rounding; with it GELU is under 6 units of the last place off.
// Reference: J. P. Mills, Table of the ratio: area to bounding ordinate, Biometrika 18 (1926) 395-400.
#pragma once

#include "vector_math.hpp"

namespace lanes {

template <class T> struct NormalTerms;
template <> struct NormalTerms<float> {
    static constexpr float end = 13.1f;  // from there on the share counts as 0
    static constexpr float high = -0x1.715476p-1f, low = -9.629815167500055e-09f;  // of −½ log₂ e
    static constexpr float exp2_terms[] = {0.0001545336126582697f, 0.001339109381660819f, 0.009618082083761692f,
        0.055503565818071365f, 0.24022650718688965f, 0.6931471824645996f};
    static constexpr float upper[] = {9.628739356994629f, 42.52552032470703f, 99.8621826171875f, 111.00174713134766f};
    static constexpr float lower[] = {9.628885269165039f, 43.51929473876953f, 109.60426330566406f,
        150.3444366455078f, 88.56658172607422f};
};
template <> struct NormalTerms<double> {
    static constexpr double end = 37.5;
    static constexpr double high = -0x1.71547652b82fep-1, low = -1.0177636870465517e-17;
    static constexpr double exp2_terms[] = {2.572952812566595e-11, 4.455859112330208e-10, 7.054897189206508e-09,
        1.0178056855501161e-07, 1.3215486808929518e-06, 1.5252733842009231e-05, 0.00015403530393370558,
        0.0013333558146406117, 0.00961812910762848, 0.055504108664821625, 0.24022650695910072, 0.6931471805599453};
    static constexpr double upper[] = {30.262298308636773, 451.5841109383016, 4315.43332386801, 29017.250733649184,
        142829.41928891165, 520341.85241674114, 1386762.3529870855, 2598258.5481584636, 3117607.3018637947,
        1851349.392865839};
    static constexpr double lower[] = {30.262298308639338, 452.58411093773896, 4345.69562223271, 29466.834841200438,
        147084.3281558505, 548465.9307274638, 1521263.6247549853, 3065006.015357595, 4259650.517485627,
        3666096.361862511, 1477163.0972194113};
};

// xⁿ plus a polynomial of n terms, the highest power first.
template <class T, size_t N> inline Pack<T> monic(const T (&terms)[N], Pack<T> x) {
    Pack<T> result = x + terms[0];
    for (size_t i = 1; i < N; ++i) result = fma(result, x, all(terms[i]));
    return result;
}

// `x` is the argument, but no further from 0 than `end`.
template <class T> struct Normal { Pack<T> x, density, beyond; };
template <class T> inline Normal<T> standard_normal(Pack<T> x) {
    using F = Format<T>;
    using N = NormalTerms<T>;
    x = larger(smaller(x, all(N::end)), all(-N::end));
    const Pack<T> a = abs<T>(x), square = x * x, lost = fma(x, x, -square);
    // e^(−x²/2) = 2^(n + r), x² taken in two words, because what its rounding loses would be magnified.
    const Pack<T> shifted = fma(square, all(N::high), all(F::magic)), n = shifted - F::magic;
    const Pack<T> r = fma(lost, all(N::high), fma(square, all(N::low), fma(square, all(N::high), -n)));
    const Pack<T> size = from_bits<T>(wrapped_sum<T>(bits<T>(shifted) << F::fraction, bits<T>(all(T(0.39894228040143268)))));
    const Pack<T> density = fma(size * r, polynomial<T>(N::exp2_terms, r), size);  // `size` is 2ⁿ/√(2π)
    return {x, density, density * (monic<T>(N::upper, a) / monic<T>(N::lower, a))};
}

}  // namespace lanes
