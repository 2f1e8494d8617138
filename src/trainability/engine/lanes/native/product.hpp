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
constexpr int tile_side = 5;
#else
constexpr int tile_side = 3;
#endif

// C = start + A B; `start` without an address stands for 0.
template <class T> struct Product {
    View<Pack<T>> c;
    View<const Pack<T>> start, a, b;
    int rows, columns, depth;
};

// Rows m to m + M − 1 and columns n to n + N − 1 of C.
template <class T, int M, int N> void tile(const Product<T>& product, ptrdiff_t m, ptrdiff_t n) {
    using P = Pack<T>;
    P sum[M][N];
    const View<const P> start = product.start;
    const P* const from = start.at + m * start.row + n * start.column;
#pragma GCC unroll 8
    for (int i = 0; i < M; ++i)
#pragma GCC unroll 8
        for (int j = 0; j < N; ++j) sum[i][j] = start.at ? from[i * start.row + j * start.column] : P{};
    const ptrdiff_t left_row = product.a.row, left_step = product.a.column, right_step = product.b.row, right_column = product.b.column;
    const P *left = product.a.at + m * left_row, *right = product.b.at + n * right_column;
    for (int k = product.depth; k > 0; --k, left += left_step, right += right_step) {
        P factor[N];
#pragma GCC unroll 8
        for (int j = 0; j < N; ++j) factor[j] = right[j * right_column];
#pragma GCC unroll 8
        for (int i = 0; i < M; ++i) {
            const P x = left[i * left_row];
#pragma GCC unroll 8
            for (int j = 0; j < N; ++j) sum[i][j] = fma(x, factor[j], sum[i][j]);
        }
    }
    P* const to = product.c.at + m * product.c.row + n;
#pragma GCC unroll 8
    for (int i = 0; i < M; ++i)
#pragma GCC unroll 8
        for (int j = 0; j < N; ++j) to[i * product.c.row + j] = sum[i][j];
}

template <class T> using Tile = void (*)(const Product<T>&, ptrdiff_t, ptrdiff_t);

template <class T, int... I> constexpr std::array<Tile<T>, sizeof...(I)> tiles(std::integer_sequence<int, I...>) {
    return {&tile<T, I / tile_side + 1, I % tile_side + 1>...};
}

template <class T> void multiply(const Product<T>& product) {
    static constexpr auto table = tiles<T>(std::make_integer_sequence<int, tile_side * tile_side>{});
    const int rows = product.rows, columns = product.columns;
    if (rows <= tile_side && columns <= tile_side) return table[(rows - 1) * tile_side + columns - 1](product, 0, 0);
    // Tiles of nearly the same size: six columns are three and three, not five and one.
    const int row_tiles = (rows + tile_side - 1) / tile_side, column_tiles = (columns + tile_side - 1) / tile_side;
    const int height = rows / row_tiles, taller = rows % row_tiles, breadth = columns / column_tiles, broader = columns % column_tiles;
    for (int i = 0, m = 0; i < row_tiles; ++i) {
        const int down = height + (i < taller);
        for (int j = 0, n = 0; j < column_tiles; ++j) {
            const int across = breadth + (j < broader);
            table[(down - 1) * tile_side + across - 1](product, m, n);
            n += across;
        }
        m += down;
    }
}

}  // namespace lanes
