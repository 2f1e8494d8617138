// Numbers of twice the type's precision: the unevaluated sum of two, of which the second is at most half a unit in the
// last place of the first.
//
// Reference: M. Joldes, J.-M. Muller, V. Popescu, Tight and rigorous error bounds for basic building blocks of
// double-word arithmetic, ACM Transactions on Mathematical Software 44 (2017). Relative errors of `add` (of numbers of
// one sign) and `multiply` are a few units of the square of the type's precision.
#pragma once

#include "lanes.hpp"

namespace lanes {

template <class T> struct Wide { Pack<T> high, low; };

// a + b exactly, for |a| ≥ |b| or a = 0.
template <class T> inline Wide<T> ordered_sum(Pack<T> a, Pack<T> b) {
    const Pack<T> sum = a + b;
    return {sum, b - (sum - a)};
}

// a + b exactly.
template <class T> inline Wide<T> exact_sum(Pack<T> a, Pack<T> b) {
    const Pack<T> sum = a + b, of_b = sum - a;
    return {sum, (a - (sum - of_b)) + (b - of_b)};
}

// a b exactly.
template <class T> inline Wide<T> exact_product(Pack<T> a, Pack<T> b) {
    const Pack<T> product = a * b;
    return {product, fma(a, b, -product)};
}

// a + b for |a| ≥ |b| or a = 0.
template <class T> inline Wide<T> add(Wide<T> a, Wide<T> b) {
    const Wide<T> sum = ordered_sum<T>(a.high, b.high);
    return ordered_sum<T>(sum.high, sum.low + (a.low + b.low));
}

template <class T> inline Wide<T> multiply(Wide<T> a, Wide<T> b) {
    const Wide<T> product = exact_product<T>(a.high, b.high);
    return ordered_sum<T>(product.high, fma(a.high, b.low, fma(a.low, b.high, product.low)));
}

template <class T> inline Wide<T> divide(Wide<T> a, Wide<T> b) {
    const Pack<T> quotient = a.high / b.high;
    const Pack<T> rest = fma(-quotient, b.high, a.high) + fma(-quotient, b.low, a.low);
    return ordered_sum<T>(quotient, rest / b.high);
}

}  // namespace lanes
