/* What a model does between its matrix products, each in one pass over memory: for float and for bfloat16, computed in float.

   rows.inc: norms, rotary positions, gates.   logits.inc: log-probabilities of a tile of logits, drawing from them.
   attention.inc: probabilities of a block of scores; one step of decoding from a cache.

   Work is split among threads by rows, so results do not depend on timing. */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#else
static inline int omp_get_num_threads(void) { return 1; }
static inline int omp_get_thread_num(void) { return 0; }
#endif

typedef uint16_t bf16;
typedef int64_t index_t;

#define SMALL 8192 /* so many numbers or fewer are not worth a second thread */

static inline float float_of_bits(uint32_t u) { float f; memcpy(&f, &u, 4); return f; }
static inline uint32_t bits_of_float(float f) { uint32_t u; memcpy(&u, &f, 4); return u; }

static inline float get_bf16(bf16 x) { return float_of_bits((uint32_t)x << 16); }
static inline bf16 put_bf16(float f) { /* to nearest, ties to even; NaN stays NaN */
    uint32_t u = bits_of_float(f);
    uint32_t rounded = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16;
    return (bf16)(f != f ? 0x7fc0u : rounded);
}
static inline float get_float(float x) { return x; }
static inline float put_float(float f) { return f; }

/* Sixteen numbers at a time; where registers are shorter, the compiler takes several. */
typedef float sixteen __attribute__((vector_size(64)));
typedef uint32_t sixteen_words __attribute__((vector_size(64)));
typedef uint16_t sixteen_halves __attribute__((vector_size(32)));
static inline sixteen load_float(const float *x) { sixteen v; memcpy(&v, x, sizeof v); return v; }
static inline sixteen load_bf16(const bf16 *x) {
    sixteen_halves h;
    memcpy(&h, x, sizeof h);
    return (sixteen)(__builtin_convertvector(h, sixteen_words) << 16);
}
static inline void store(float *x, sixteen v) { memcpy(x, &v, sizeof v); }

static inline index_t whole(index_t size, index_t room) { /* up to the next multiple of sixteen, within the room */
    index_t up = (size + 15) / 16 * 16;
    return up < room ? up : room;
}

static inline float exp_of(float x) { /* e^x to about one unit in the last place; 0 below -87.3 */
    float bounded = x > 88.0f ? 88.0f : x;
    float n = (bounded * 1.44269504088896341f + 12582912.0f) - 12582912.0f;
    float r = bounded - n * 0.693359375f;
    r = r + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    float scaled = p * float_of_bits((uint32_t)((int32_t)n + 127) << 23);
    return x < -87.3f ? 0.0f : scaled;
}

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define NAME(name) JOIN(name, REAL)
#define GET JOIN(get, REAL)
#define PUT JOIN(put, REAL)
#define LOAD JOIN(load, REAL)

#define REAL float
#include "rows.inc"
#include "logits.inc"
#include "attention.inc"
#undef REAL

#define REAL bf16
#include "rows.inc"
#include "logits.inc"
#include "attention.inc"
#undef REAL

#if defined(__AVX512BF16__) && defined(__AVX512VL__)
#include <immintrin.h>
#include "families.inc"
#endif
