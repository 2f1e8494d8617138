// Lanes: one vector register holds the same number of several networks, one network in each lane.
//
// No operation mixes lanes, so what a network becomes does not depend on its neighbours, nor on how many lanes the
// processor has. Multiply and add are fused only where `fma` is written.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace lanes {

#if defined(__AVX512F__)
#define LANES_BYTES 64
#elif defined(__AVX2__)
#define LANES_BYTES 32
#else
#define LANES_BYTES 16
#endif

template <class T> struct Types;
template <> struct Types<float> {
    typedef float pack __attribute__((vector_size(LANES_BYTES)));
    typedef int32_t mask __attribute__((vector_size(LANES_BYTES)));
    typedef uint32_t word __attribute__((vector_size(LANES_BYTES)));
    using integer = int32_t;
};
template <> struct Types<double> {
    typedef double pack __attribute__((vector_size(LANES_BYTES)));
    typedef int64_t mask __attribute__((vector_size(LANES_BYTES)));
    typedef uint64_t word __attribute__((vector_size(LANES_BYTES)));
    using integer = int64_t;
};

template <class T> using Pack = typename Types<T>::pack;  // one number of each network
template <class T> using Mask = typename Types<T>::mask;  // 0 or −1 for each network; also its bits as integers
template <class T> constexpr int width = LANES_BYTES / sizeof(T);

template <class T> inline Pack<T> all(T x) { return x - Pack<T>{}; }

inline Pack<float> fma(Pack<float> a, Pack<float> b, Pack<float> c) {
#if defined(__AVX512F__)
    return _mm512_fmadd_ps(a, b, c);
#elif defined(__FMA__)
    return _mm256_fmadd_ps(a, b, c);
#elif defined(__aarch64__)
    return vfmaq_f32(c, a, b);
#else
    for (int i = 0; i < width<float>; ++i) c[i] = __builtin_fmaf(a[i], b[i], c[i]);
    return c;
#endif
}

inline Pack<double> fma(Pack<double> a, Pack<double> b, Pack<double> c) {
#if defined(__AVX512F__)
    return _mm512_fmadd_pd(a, b, c);
#elif defined(__FMA__)
    return _mm256_fmadd_pd(a, b, c);
#elif defined(__aarch64__)
    return vfmaq_f64(c, a, b);
#else
    for (int i = 0; i < width<double>; ++i) c[i] = __builtin_fma(a[i], b[i], c[i]);
    return c;
#endif
}

inline Pack<float> sqrt(Pack<float> x) {
#if defined(__AVX512F__)
    return _mm512_sqrt_ps(x);
#elif defined(__AVX2__)
    return _mm256_sqrt_ps(x);
#elif defined(__aarch64__)
    return vsqrtq_f32(x);
#else
    for (int i = 0; i < width<float>; ++i) x[i] = __builtin_sqrtf(x[i]);
    return x;
#endif
}

inline Pack<double> sqrt(Pack<double> x) {
#if defined(__AVX512F__)
    return _mm512_sqrt_pd(x);
#elif defined(__AVX2__)
    return _mm256_sqrt_pd(x);
#elif defined(__aarch64__)
    return vsqrtq_f64(x);
#else
    for (int i = 0; i < width<double>; ++i) x[i] = __builtin_sqrt(x[i]);
    return x;
#endif
}

// The larger and the smaller of two; `a` if either is a NaN, or both are 0.
#if defined(__AVX512F__)
inline Pack<float> larger(Pack<float> a, Pack<float> b) { return _mm512_max_ps(b, a); }
inline Pack<float> smaller(Pack<float> a, Pack<float> b) { return _mm512_min_ps(b, a); }
inline Pack<double> larger(Pack<double> a, Pack<double> b) { return _mm512_max_pd(b, a); }
inline Pack<double> smaller(Pack<double> a, Pack<double> b) { return _mm512_min_pd(b, a); }
#elif defined(__AVX2__)
inline Pack<float> larger(Pack<float> a, Pack<float> b) { return _mm256_max_ps(b, a); }
inline Pack<float> smaller(Pack<float> a, Pack<float> b) { return _mm256_min_ps(b, a); }
inline Pack<double> larger(Pack<double> a, Pack<double> b) { return _mm256_max_pd(b, a); }
inline Pack<double> smaller(Pack<double> a, Pack<double> b) { return _mm256_min_pd(b, a); }
#else
template <class P> inline P larger(P a, P b) { return a < b ? b : a; }
template <class P> inline P smaller(P a, P b) { return b < a ? b : a; }
#endif

// GCC defers `mask ? a : b` on deduced types badly; one name for it reads better anyway.
template <class P, class M> inline P select(M where, P then, P otherwise) { return where ? then : otherwise; }

template <class T> inline Mask<T> bits(Pack<T> x) { Mask<T> b; std::memcpy(&b, &x, sizeof b); return b; }
template <class T> inline Pack<T> from_bits(Mask<T> b) { Pack<T> x; std::memcpy(&x, &b, sizeof x); return x; }

// a + b and a − b of bits as integers, with what does not fit left out.
template <class T> inline Mask<T> wrapped_sum(Mask<T> a, Mask<T> b) {
    using Word = typename Types<T>::word;
    return (Mask<T>)((Word)a + (Word)b);
}
template <class T> inline Mask<T> wrapped_difference(Mask<T> a, Mask<T> b) {
    using Word = typename Types<T>::word;
    return (Mask<T>)((Word)a - (Word)b);
}

template <class T> inline bool any(Mask<T> m) {
    typename Types<T>::integer found = 0;
    for (int i = 0; i < width<T>; ++i) found |= m[i];
    return found != 0;
}

// Not a NaN and not infinite.
template <class T> inline Mask<T> finite(Pack<T> x) { return (x - x) == Pack<T>{}; }

// Denormal numbers count as 0 while an object of this class lives. With them a dying network of tanh lost a fifth of its
// speed on a Zen 4 processor; others may lose far more.
class FlushDenormals {
  public:
#if defined(__x86_64__)
    FlushDenormals() : before(_mm_getcsr()) { _mm_setcsr(before | 0x8040); }
    ~FlushDenormals() { _mm_setcsr(before); }
  private:
    unsigned before;
#elif defined(__aarch64__)
    FlushDenormals() { asm volatile("mrs %0, fpcr" : "=r"(before)); asm volatile("msr fpcr, %0" ::"r"(before | (1u << 24))); }
    ~FlushDenormals() { asm volatile("msr fpcr, %0" ::"r"(before)); }
  private:
    uint64_t before;
#endif
};

}  // namespace lanes
