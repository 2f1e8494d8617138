// Which of the compiled kernels this processor can run. Compiled without any instruction set of its own, so that it
// can be loaded anywhere.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

NB_MODULE(_processor, module) {
    module.def("kernels", []() -> std::vector<std::string> {
#if defined(__x86_64__)
        std::vector<std::string> found;
        __builtin_cpu_init();
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
            __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("fma"))
            found.push_back("_avx512");
        if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) found.push_back("_avx2");
        return found;
#else
        return {"_portable"};
#endif
    }, "Names of the kernel modules that this processor can run, the fastest first.");
}
