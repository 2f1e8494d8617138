// The one product that training consists of: C = start + A B, for every network at once.
//
// The three uses of it in network.hpp differ in nothing but strides. A tile of C is kept in registers while the sum
// over `depth` runs; its terms are added one after the other, so the result does not depend on the tile.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "lanes.hpp"

namespace lanes {

// A matrix of packs inside a larger array; a column step of 0 repeats one column.
template <class P> struct View {
    P* at;
    ptrdiff_t row, column;
    P* operator()(ptrdiff_t i, ptrdiff_t j) const { return at + i * row + j * column; }
};

// Rows and columns of a tile: as many sums as the registers hold.
#if LANES_BYTES == 64
constexpr int tile_rows = 6, tile_columns = 4;
#else
constexpr int tile_rows = 3, tile_columns = 3;
#endif

template <class T, int M, int N>
void tile(View<Pack<T>> c, View<const Pack<T>> start, View<const Pack<T>> a, View<const Pack<T>> b, int depth) {
    Pack<T> sum[M][N];
#pragma GCC unroll 8
    for (int m = 0; m < M; ++m)
#pragma GCC unroll 8
        for (int n = 0; n < N; ++n) sum[m][n] = start.at ? *start(m, n) : Pack<T>{};
    for (int k = 0; k < depth; ++k) {
        Pack<T> right[N];
#pragma GCC unroll 8
        for (int n = 0; n < N; ++n) right[n] = *b(k, n);
#pragma GCC unroll 8
        for (int m = 0; m < M; ++m) {
            const Pack<T> left = *a(m, k);
#pragma GCC unroll 8
            for (int n = 0; n < N; ++n) sum[m][n] = fma(left, right[n], sum[m][n]);
        }
    }
#pragma GCC unroll 8
    for (int m = 0; m < M; ++m)
#pragma GCC unroll 8
        for (int n = 0; n < N; ++n) *c(m, n) = sum[m][n];
}

template <class T> using Tile = void (*)(View<Pack<T>>, View<const Pack<T>>, View<const Pack<T>>, View<const Pack<T>>, int);

template <class T, int... I> constexpr std::array<Tile<T>, sizeof...(I)> tiles(std::integer_sequence<int, I...>) {
    return {&tile<T, I / tile_columns + 1, I % tile_columns + 1>...};
}

// C (rows × columns) = start + A (rows × depth) B (depth × columns). `start` without an address stands for 0.
template <class T>
void product(View<Pack<T>> c, View<const Pack<T>> start, View<const Pack<T>> a, View<const Pack<T>> b, int rows,
             int columns, int depth) {
    static constexpr auto table = tiles<T>(std::make_integer_sequence<int, tile_rows * tile_columns>{});
    // Tiles of nearly the same size: five columns are three and two, not four and one.
    const int row_tiles = (rows + tile_rows - 1) / tile_rows, column_tiles = (columns + tile_columns - 1) / tile_columns;
    for (int i = 0, m = 0; i < row_tiles; ++i) {
        const int height = (rows - m + row_tiles - i - 1) / (row_tiles - i);
        for (int j = 0, n = 0; j < column_tiles; ++j) {
            const int breadth = (columns - n + column_tiles - j - 1) / (column_tiles - j);
            View<const Pack<T>> from = start;
            if (from.at) from.at = start(m, n);
            table[(height - 1) * tile_columns + breadth - 1](
                {c(m, n), c.row, c.column}, from, {a(m, 0), a.row, a.column}, {b(0, n), b.row, b.column}, depth);
            n += breadth;
        }
        m += height;
    }
}

}  // namespace lanes
