/* SPDX-License-Identifier: MIT */
/* prove.h - that the rounds of speculative decoding have exactly the law of plain sampling.
 *
 * The shipped drafter, target and verification run once for every answer to every draw, after every
 * context; what they leave behind is compared with one-token decoding (level state), and whole
 * programs, commits and loop included, are run as they are (level program). The weights of the
 * answers are exact fractions, and so is the result: the total variation distance between what
 * comes out and plain sampling's law, which is written a second time for this and shares no code
 * with the sampler but the exponential. Lossless is 0, the rational number.
 *
 * What is enumerated is small: contexts of few tokens, over a small vocabulary or one that top-k
 * makes small. docs/oracle.md says why that speaks for any size, and what is assumed.
 *
 * What `eagle prove --format json` makes of proofs is the certificate "eagle.prove/1" of
 * docs/formats.md.
 *
 *     eagle_prove_options how;
 *     eagle_prove_defaults(&how);
 *     eagle_prove_task task = {.model = model, .drafter = drafter};
 *     eagle_sampling_defaults(&task.sampling);
 *     eagle_prove(&proof, &task, &how, NULL, NULL, err)
 *     ... eagle_proof_verdict(proof), eagle_proof_result(proof, EAGLE_PROVE_ROUND) ...
 *     eagle_proof_free(proof)
 *
 * A proof is immutable: any number of threads may read it, and what its calls return, texts, arrays
 * and differences, belongs to it. eagle_prove() may run in several threads at once, over the same
 * model and drafter; a rule of one's own (task.verify) is then called by them, and has to bear it.
 * A certifier is used from one thread at a time.
 *
 * Built with GMP; without it eagle_prove() is EAGLE_EUNSUPPORTED and names the package. Numbers
 * come as text, "0" or "3/4", and beside it as the nearest double for the eye. */
#ifndef EAGLE_PROVE_H
#define EAGLE_PROVE_H

#include "eagle/generate.h"
#include "eagle/session.h"
#include "eagle/status.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is shown; each has its own result. */
typedef enum {
    EAGLE_PROVE_PRIMITIVES, /* random words become choices exactly; needs no model            */
    EAGLE_PROVE_NODE,       /* at each node of a drafted tree, the token's law is plain         */
    EAGLE_PROVE_ROUND,      /* a round's tokens, completed plainly, have plain sampling's law   */
    EAGLE_PROVE_CONTINUATION, /* given state, texts of rounds after rounds have it, from one context on */
    EAGLE_PROVE_PROGRAM, /* so does the whole program, whose numbers persist over rounds     */
    EAGLE_PROVE_STATE,   /* a round leaves the state of one-token decoding, and its logits   */
    EAGLE_PROVE_LEVELS
} eagle_prove_level;

/* "primitives", "node", "round", "continuation", "program", "state"; and back: EAGLE_EINVAL. */
EAGLE_API const char *eagle_prove_level_name(eagle_prove_level level);
EAGLE_API eagle_status eagle_prove_level_parse(eagle_prove_level *out, const char *name,
                                               eagle_error *err);

typedef enum {
    EAGLE_VERDICT_PROVEN,
    EAGLE_VERDICT_REFUTED,
    EAGLE_VERDICT_BOUND, /* not everything was run: the limit, or the caller stopped it */
    EAGLE_VERDICT_LOSSY  /* another law, by a rule that does not claim plain sampling's */
} eagle_verdict;

/* "PROVEN", ... and the status that goes with it: EAGLE_OK, EAGLE_EFAILED, EAGLE_EINCONCLUSIVE,
 * EAGLE_ELOSSY. */
EAGLE_API const char *eagle_verdict_name(eagle_verdict verdict);
EAGLE_API eagle_status eagle_verdict_status(eagle_verdict verdict);

/* What is to be proven. All is borrowed. */
typedef struct {
    const eagle_model *model;
    const eagle_drafter *drafter; /* NULL: plain decoding                                        */
    eagle_sampling sampling;      /* its mode must fit the drafter's children                    */
    eagle_prompt context;         /* n 0: the model's BOS and the likeliest token after it       */
    bool ignore_end;              /* go on after an end token                                    */
    eagle_verify_fn *verify;      /* the rule; NULL: eagle_verify(), as shipped                  */
    bool lossy;                   /* the rule does not claim plain sampling's law                */
} eagle_prove_task;

typedef struct {
    unsigned levels;        /* 1 << level of each that is wanted                                  */
    int32_t length;         /* of texts after the context, in tokens, >= 1                        */
    int32_t program_length; /* of the program's texts; 0: `length`                                */
    int64_t limit;          /* most runs of each level; beyond it the verdict is BOUND            */
    int32_t threads;        /* of the passes, as in a session; they are small: 1                  */
    eagle_isa isa;
} eagle_prove_options;

/* All levels, 3 tokens, 2 million runs (some hundred megabytes at most), 1 thread. */
EAGLE_API void eagle_prove_defaults(eagle_prove_options *out);

/* A string whose two probabilities differ. Its last token is the vocabulary's size where a rule in
 * floating point has rounded everything away, and nothing is left to draw from. */
typedef struct {
    const int32_t *context; /* [n_context] the tokens before it */
    int32_t n_context;
    const int32_t *string; /* [n_string]                       */
    int32_t n_string;
    const char *got;  /* its probability as the rounds have it; at level node, given its last
                       * token's node */
    const char *want; /* as plain sampling has it           */
    double got_value;
    double want_value;
} eagle_prove_difference;

/* A question that a run asked, and the answer that leads to the difference. */
typedef struct {
    eagle_draw_key key;
    bool accept; /* answer: 1 is yes, 0 no; else the index that was picked      */
    int32_t answer;
    bool repeated;     /* the key was asked before in this run                        */
    const char *share; /* the answer's probability, given the answers before          */
    double share_value;
} eagle_prove_step;

/* What one level found. Counts that do not belong to the level are 0. */
typedef struct {
    bool asked; /* the level was wanted: the rest is meant                                       */
    eagle_verdict verdict;
    int64_t runs;     /* one for each row of answers                                           */
    int64_t contexts; /* after which rounds were run                                           */
    int64_t trees;    /* that were drafted and scored                                          */
    int64_t strings;  /* whose probabilities were compared; at level primitives, sums           */
    int64_t compared; /* equalities of fractions; at levels state and primitives, of bits        */
    int64_t rows;     /* state: rows of logits, tree against one token at a time                */
    int64_t states;   /* state: hashes of committed states against one token at a time           */
    int64_t outside;  /* strings with a probability that plainly have none                     */
    const char *outside_largest; /* the largest probability of one of them */
    double outside_value;
    int64_t repeated;  /* keys asked twice within one round                                     */
    int64_t returning; /* program: keys asked again in a later round                            */
    const char *tv;    /* total variation distance; the largest one of any context             */
    double tv_value;
    const char *marginal; /* the same of the law of one token at its place, the others apart    */
    double marginal_value;
    const char *reason; /* why it is refuted or a bound, where that is no probability; else NULL */
    const eagle_prove_difference *worst;    /* the largest difference; NULL: none               */
    const eagle_prove_difference *shortest; /* of the fewest tokens                             */
    const eagle_prove_step *step;           /* [n_steps] a run that leads to the shortest         */
    int32_t n_steps;
} eagle_prove_result;

typedef struct eagle_proof eagle_proof; /* opaque results */

/* Asked now and then, by the thread that called eagle_prove(); `runs` of the level so far. False
 * stops: what is not complete is BOUND. */
typedef bool eagle_prove_progress(void *ctx, eagle_prove_level level, int64_t runs);

/* Runs the levels. A refutation is a result and no failure. `progress` may be NULL. Continuation
 * makes every round from a state that was fed, so that with the shipped rule it runs state, too,
 * and is PROVEN only if that is. Which state a round leaves does not hang on the rule: with another
 * one, state is taken as given.
 *
 * EAGLE_EINVAL (no level, or one that is none; an option, a mode that does not fit),
 * EAGLE_EUNSUPPORTED (built without GMP), EAGLE_ELIMIT (a context without room), EAGLE_ENOMEM, and
 * what sessions fail with. On failure *out is NULL. Task and options are borrowed for the call.
 * Free with eagle_proof_free(), which accepts NULL. */
EAGLE_API eagle_status eagle_prove(eagle_proof **out, const eagle_prove_task *task,
                                   const eagle_prove_options *opt, eagle_prove_progress *progress,
                                   void *ctx, eagle_error *err);
EAGLE_API void eagle_proof_free(eagle_proof *proof);

/* The worst of all levels: REFUTED, then LOSSY, BOUND, PROVEN. BOUND when there is none. */
EAGLE_API eagle_verdict eagle_proof_verdict(const eagle_proof *proof);
EAGLE_API const eagle_prove_result *eagle_proof_result(const eagle_proof *proof,
                                                       eagle_prove_level level);

/* The tokens that everything went on from. */
EAGLE_API eagle_prompt eagle_proof_context(const eagle_proof *proof);

/* Tokens that a round brings there, on average: an exact fraction. "" unless rounds were run. */
EAGLE_API const char *eagle_proof_tokens_per_round(const eagle_proof *proof, double *value);

/* A bound on the total variation distance of the plain law, which is one of integers, from the
 * softmax in real numbers of the same float32 logits over the same tokens kept; the largest of all
 * contexts that were met. */
EAGLE_API double eagle_proof_softmax_distance(const eagle_proof *proof);

/* ---- memory ------------------------------------------------------------------------- */

typedef void eagle_no_memory_fn(void);

/* Fractions grow, and GMP cannot tell its caller that there is no memory for one: it ends the
 * process by abort(). With this, GMP calls `fn` first, which must not return: say it in one line
 * and _exit(), as `eagle prove` does with exit code 5. NULL: as before. Where it is built without
 * GMP nothing happens.
 *
 * It sets GMP's allocation functions, of the whole process, to those of malloc(): not for a program
 * that has set its own. Call it before other threads use GMP. */
EAGLE_API void eagle_prove_on_no_memory(eagle_no_memory_fn *fn);

/* ---- a real run ------------------------------------------------------------------ */

/* Looks at each node that a run decides at, over the full vocabulary: the law of the token that is
 * decided there, over every answer of that node's draws, must be plain sampling's law of the node's
 * own row. The run's tree and rows are verified again, down to the node by the run's own draws. Of
 * the draw that ends a node, each child's token and two others are given as answers; the weights of
 * the rest are read.
 *
 * That the rows are those of plain decoding, and what a round leaves, is not looked at: that is
 * level state. */
typedef struct eagle_certifier eagle_certifier; /* opaque */

typedef struct {
    int64_t nodes;   /* looked at                                                          */
    int64_t refuted; /* of them, those with another law                                     */
    int64_t skipped; /* whose children could have been drawn in more than 4096 ways          */
    int64_t runs;    /* of their verification                                               */
} eagle_certified;

/* For trees of up to `max_nodes` nodes over `vocab` tokens. EAGLE_ENOMEM, EAGLE_EUNSUPPORTED (built
 * without GMP), and what eagle_path_create() fails with. Free with eagle_certifier_free(), which
 * accepts NULL. */
EAGLE_API eagle_status eagle_certifier_create(eagle_certifier **out, int32_t vocab,
                                              int32_t max_nodes, eagle_verify_mode mode,
                                              eagle_error *err);
EAGLE_API void eagle_certifier_free(eagle_certifier *c);

/* The nodes at which the tokens of `path` were decided, in eagle_verify()'s tree, rows and draws,
 * which must bring the same tokens once more. A refutation is counted, and no failure. EAGLE_EFIT
 * for another size; what eagle_verify() fails with. */
EAGLE_API eagle_status eagle_certify_round(eagle_certifier *c, const eagle_tree *tree,
                                           const eagle_rows *rows, const eagle_path *path,
                                           const eagle_sampling *sampling, const eagle_draws *draws,
                                           eagle_error *err);
/* The counts so far; they belong to the certifier and go on with it. */
EAGLE_API const eagle_certified *eagle_certifier_found(const eagle_certifier *c);

#ifdef __cplusplus
}
#endif
#endif
