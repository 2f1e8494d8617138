// The draws of core/random.py, of a register of networks at once.
#pragma once

#include <utility>

#include "lanes.hpp"

namespace lanes {

template <class T> struct WordTypes;
template <> struct WordTypes<float> {
    typedef uint32_t pack __attribute__((vector_size(LANES_BYTES)));
    typedef int32_t whole __attribute__((vector_size(LANES_BYTES)));
};
template <> struct WordTypes<double> {
    typedef uint32_t pack __attribute__((vector_size(LANES_BYTES / 2)));
    typedef int32_t whole __attribute__((vector_size(LANES_BYTES / 2)));
};
template <class T> using WordPack = typename WordTypes<T>::pack;  // 32 random bits of each network

template <class W> using Pair = std::pair<W, W>;  // a key, a counter, or 64 random bits

// Threefry-2x32-20 of a counter under a key.
template <class W> inline Pair<W> threefry(const Pair<W>& key, W major, W minor) {
    constexpr int rotations[2][4] = {{13, 15, 26, 6}, {17, 29, 16, 24}};
    const W schedule[3] = {key.first, key.second, key.first ^ key.second ^ 0x1BD11BDAu};
    W a = schedule[0] + major, b = schedule[1] + minor;
    for (uint32_t group = 0; group < 5; ++group) {
        for (int rotation : rotations[group % 2]) {
            a = a + b;
            b = (b << rotation) | (b >> (32 - rotation));
            b = b ^ a;
        }
        a = a + schedule[(group + 1) % 3];
        b = b + schedule[(group + 2) % 3] + (group + 1);
    }
    return {a, b};
}

// The first word of counter (major, minor), the same counter for every network.
template <class T> inline WordPack<T> word(const Pair<WordPack<T>>& key, uint32_t major, uint32_t minor) {
    const WordPack<T> none{};
    return threefry<WordPack<T>>(key, none + major, none + minor).first;
}

// Uniform in [0, 1) for place `place` of step `step`: 24 bits.
template <class T> inline Pack<T> uniform(const Pair<WordPack<T>>& key, uint32_t step, uint32_t place) {
    const auto bits = typename WordTypes<T>::whole(word<T>(key, step, place) >> 8);
    return __builtin_convertvector(bits, Pack<T>) * T(0x1p-24);
}

}  // namespace lanes
