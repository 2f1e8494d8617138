// The draws of core/random.py.
#pragma once

#include <cstdint>
#include <utility>

namespace lanes {

using Words = std::pair<uint32_t, uint32_t>;

// Threefry-2x32-20.
inline Words threefry(Words key, Words counter) {
    constexpr int rotations[2][4] = {{13, 15, 26, 6}, {17, 29, 16, 24}};
    const uint32_t schedule[3] = {key.first, key.second, key.first ^ key.second ^ 0x1BD11BDAu};
    uint32_t a = counter.first + schedule[0], b = counter.second + schedule[1];
    for (uint32_t group = 0; group < 5; ++group) {
        for (int rotation : rotations[group % 2]) {
            a += b;
            b = (b << rotation) | (b >> (32 - rotation));
            b ^= a;
        }
        a += schedule[(group + 1) % 3];
        b += schedule[(group + 2) % 3] + group + 1;
    }
    return {a, b};
}

}  // namespace lanes
