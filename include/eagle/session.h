/* SPDX-License-Identifier: MIT */
/* session.h - one generation in progress.
 *
 * A session owns the KV caches of target and head, a draft tree and a random stream.
 * It borrows the model and the drafter, which must outlive it. Use a session from one
 * thread at a time; different sessions may share a model across threads.
 *
 * The caller pulls: feed the prompt in chunks, then one round per step. A round is four
 * calls, and eagle_session_step() is nothing but them:
 *
 *     draft -> score -> eagle_verify -> commit
 *
 * Between the calls everything can be read: the tree, the rows, the path. To cancel,
 * stop calling; the session stays valid. After the last feed, its last row is verified as
 * a tree of one node: that emits the first token. */
#ifndef EAGLE_SESSION_H
#define EAGLE_SESSION_H

#include "eagle/drafter.h"
#include "eagle/model.h"
#include "eagle/probe.h"
#include "eagle/runtime.h"
#include "eagle/status.h"
#include "eagle/tree.h"
#include "eagle/verify.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eagle_session eagle_session; /* opaque */

typedef struct {
    int32_t ctx;             /* positions in the KV cache, prompt included; > 0           */
    int32_t chunk;           /* most tokens of one feed; > 0                              */
    int32_t max_nodes;       /* room for own trees, root included; at least the drafter's */
    int32_t threads;         /* 1 to 64; 0: the CPUs this process may use                 */
    eagle_isa isa;           /* not usable here: EAGLE_EINVAL                             */
    eagle_math math;         /* FAST: prompts by OpenBLAS; not built in: EAGLE_EUNSUPPORTED */
    eagle_sampling sampling; /* checked against the drafter's children                    */
    uint64_t seed;           /* same seed, same tokens, on every supported CPU            */
    uint32_t stream;         /* tells sessions with one seed apart                        */
} eagle_session_options;

/* ctx 512, chunk 256, one thread per CPU, best ISA, exact, greedy, seed 0. */
EAGLE_API void eagle_session_defaults(eagle_session_options *opt);

/* The memory that a session would take, in bytes, without making one. */
typedef struct {
    uint64_t weights;   /* mapped, of model and head    */
    uint64_t target_kv; /* KV cache of the target       */
    uint64_t head_kv;   /* KV cache and slots of the head */
    uint64_t work;      /* activations, logits, laws    */
} eagle_memory_bill;
EAGLE_API eagle_status eagle_session_bill(eagle_memory_bill *out, const eagle_model *model,
                                          const eagle_drafter *drafter,
                                          const eagle_session_options *opt, eagle_error *err);

/* Creates a session. `drafter` may be NULL: plain, one-token-at-a-time decoding.
 *
 * Allocates all the session will ever need; no later call allocates. On success *out is the
 * session, to be freed with eagle_session_free(). On failure *out is NULL, *err says why, and
 * the result is EAGLE_ENOMEM (of threads too), EAGLE_EINVAL (an option), EAGLE_ELIMIT (a context
 * above 2^24), EAGLE_EUNSUPPORTED (fast math is not built in), EAGLE_EFIT (the drafter's head was
 * made for another model) or EAGLE_ENUMERIC (unfit floating-point environment). The bill fails
 * alike, but starts no thread. */
EAGLE_API eagle_status eagle_session_create(eagle_session **out, const eagle_model *model,
                                            const eagle_drafter *drafter,
                                            const eagle_session_options *opt, eagle_error *err);
EAGLE_API void eagle_session_free(eagle_session *s);

/* Appends n tokens (1 <= n <= chunk) and runs the target over them. `rows` may be NULL; else it
 * receives logits and features of all n rows (n <= max_nodes), valid until the next call.
 *
 * EAGLE_EINVAL for an n or a token out of range, EAGLE_ELIMIT for more than ctx, EAGLE_ENUMERIC
 * when a row is not finite; then nothing was appended. */
EAGLE_API eagle_status eagle_session_feed(eagle_rows *rows, eagle_session *s, const int32_t *token,
                                          int32_t n, eagle_error *err);

/* The four calls of a round. Views stay valid until the next call of the same kind.
 *
 *   draft   *tree is the drafter's tree below the current root, cut to the context; after a
 *           feed, or without a drafter, the root alone. `draws` may be NULL unless children are
 *           drawn. EAGLE_ELIMIT when the context is full, EAGLE_EINVAL when nothing was fed,
 *           EAGLE_EFIT when a recorded round has another root.
 *   score   runs the target over all nodes in one pass. `tree` may be one's own, with the same
 *           root token and position, and then has to stay as it is until the commit. After a feed
 *           it has to be the root alone: EAGLE_EINVAL. EAGLE_EFIT for another root; EAGLE_ELIMIT for
 *           more than max_nodes, a node beyond the context, or more than 512 nodes that are
 *           deeper than 512 on average; else as eagle_tree_check().
 *   commit  moves the KV rows of the accepted path to their places, forgets the others, and
 *           hands the new tokens and features to the drafter. `path` may be one's own choice, if
 *           it is a path of the tree last scored, else EAGLE_EINVAL. EAGLE_ENUMERIC when a committed row is not
 *           finite. On failure the session stays as before the commit.
 *
 * Every pass, also of the drafter, may find an unfit floating-point environment: EAGLE_ENUMERIC. */
EAGLE_API eagle_status eagle_session_draft(const eagle_tree **tree, eagle_session *s,
                                           const eagle_draws *draws, eagle_error *err);
EAGLE_API eagle_status eagle_session_score(eagle_rows *rows, eagle_session *s,
                                           const eagle_tree *tree, eagle_error *err);
EAGLE_API eagle_status eagle_session_commit(eagle_session *s, const eagle_path *path,
                                            eagle_error *err);

/* One round: draft, score, eagle_verify, commit. *path is the session's own. */
EAGLE_API eagle_status eagle_session_step(const eagle_path **path, eagle_session *s,
                                          eagle_error *err);

/* The drafter's last tree and the rows last scored, for reports. A feed or a rewind empties the
 * rows. */
EAGLE_API const eagle_tree *eagle_session_tree(const eagle_session *s);
EAGLE_API const eagle_rows *eagle_session_rows(const eagle_session *s);

/* The session's draws (Philox under its seed and stream, unless set), sampling and path. */
EAGLE_API const eagle_draws *eagle_session_draws(const eagle_session *s);
EAGLE_API const eagle_sampling *eagle_session_sampling(const eagle_session *s);
EAGLE_API eagle_path *eagle_session_path(eagle_session *s);

/* Replaces the draws of all later steps: recorded or enumerated answers instead of Philox. `draws`
 * is copied, what it points to is borrowed; NULL: the session's own again. */
EAGLE_API void eagle_session_set_draws(eagle_session *s, const eagle_draws *draws);

/* All tokens so far: fed and emitted, [eagle_session_length()]. */
EAGLE_API const int32_t *eagle_session_tokens(const eagle_session *s);
EAGLE_API int32_t eagle_session_length(const eagle_session *s);

/* Forgets all but the first n tokens, 0 <= n <= length, else EAGLE_EINVAL. The next round goes on
 * from token n - 1; feeding more first gives the state of a fresh session fed the same tokens. */
EAGLE_API eagle_status eagle_session_rewind(eagle_session *s, int32_t n, eagle_error *err);

/* SHA-256 over everything that decides the future: tokens, KV rows of target and head, pending
 * feature. A function of the committed tokens alone. */
EAGLE_API void eagle_session_hash(char hex[65], const eagle_session *s);

/* Sets or clears (NULL) the probe of all later passes. `probe` is borrowed. */
EAGLE_API void eagle_session_set_probe(eagle_session *s, const eagle_probe *probe);

#ifdef __cplusplus
}
#endif
#endif
