/* SPDX-License-Identifier: MIT */
/* drafter.h - recipes for token trees.
 *
 * A drafter is immutable and may serve many sessions at once; what a session needs
 * to draft (the head's KV cache, beams) the session makes for itself. A drafter
 * borrows its head. */
#ifndef EAGLE_DRAFTER_H
#define EAGLE_DRAFTER_H

#include "eagle/model.h"
#include "eagle/tree.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eagle_drafter eagle_drafter; /* opaque */

/* EAGLE-2: expands the `width` best nodes per level over `levels` levels and keeps the `nodes`
 * best of all. width above the vocabulary and nodes above width + (levels - 1) width^2 are
 * clipped. width 1 gives a chain. All three >= 1, then at most 64, 1024 and EAGLE_MAX_NODES, else
 * EAGLE_EINVAL. EAGLE_ENOMEM, as for all drafters. */
EAGLE_API eagle_status eagle_drafter_dynamic(eagle_drafter **out, const eagle_head *head,
                                             int32_t levels, int32_t width, int32_t nodes,
                                             eagle_error *err);

/* EAGLE-1: a static tree. `shape` is copied. With `drawn`, the children of a node are drawn from
 * the draft's law without replacement (rejection mode only, at most 4 siblings: EAGLE_EINVAL);
 * else they are the most likely tokens. A rank beyond the vocabulary is EAGLE_EFIT. */
EAGLE_API eagle_status eagle_drafter_static(eagle_drafter **out, const eagle_head *head,
                                            const eagle_shape *shape, bool drawn, eagle_error *err);

/* Replays recorded rounds, one per round, then the root alone; a rewind that forgets tokens starts
 * the recording again. `rounds` is borrowed. A root that differs from the recorded one fails the
 * draft with EAGLE_EFIT. */
EAGLE_API eagle_status eagle_drafter_replay(eagle_drafter **out, const eagle_rounds *rounds,
                                            eagle_error *err);

/* What plain decoding will emit, indexed by absolute position; borrowed. */
typedef struct {
    const int32_t *token; /* [n] */
    int32_t n;
} eagle_future;

/* Random legal trees for tests: up to `nodes` nodes, a function of (seed, position). With a future,
 * which may be NULL, RIGHT makes one path of every tree agree with it, and WRONG none. */
typedef enum { EAGLE_FUZZ_RANDOM, EAGLE_FUZZ_RIGHT, EAGLE_FUZZ_WRONG } eagle_fuzz_mode;
EAGLE_API eagle_status eagle_drafter_fuzz(eagle_drafter **out, uint64_t seed, int32_t nodes,
                                          int32_t vocab, eagle_fuzz_mode mode,
                                          const eagle_future *future, eagle_error *err);

EAGLE_API void eagle_drafter_free(eagle_drafter *drafter);

/* Largest tree, without the root; and whether its children are drawn. */
EAGLE_API int32_t eagle_drafter_max_nodes(const eagle_drafter *drafter);
EAGLE_API bool eagle_drafter_drawn(const eagle_drafter *drafter);

/* One line such as "dynamic L5 K4 N7", after clipping. */
EAGLE_API const char *eagle_drafter_describe(const eagle_drafter *drafter);

#ifdef __cplusplus
}
#endif
#endif
