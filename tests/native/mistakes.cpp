// Mistakes that the sanitizers must find, with the kernel's own types.
#include <nanobind/nanobind.h>

#include <vector>

#include "lanes.hpp"

using namespace lanes;

// The number after the last pack of an array.
static float overrun(int count) {
    std::vector<Pack<float>> packs(count);
    return packs.data()[count][0];
}

// A size that does not fit.
static int overflow(int size) { return size * 65536; }

NB_MODULE(_mistakes, module) {
    module.def("overrun", &overrun);
    module.def("overflow", &overflow);
}
