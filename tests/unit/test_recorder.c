/* SPDX-License-Identifier: MIT */
/* test_recorder.c - a recorded generation is the same generation, and its trace is that of the run,
 * whatever it was computed with. */
#include "eagle/eagle.h"
#include "support/lib_scratch.h"
#include "support/lib_toy.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define VOCAB    40
#define N_PROMPT 9
#define N_TOKENS 24

static const int32_t prompt[N_PROMPT] = {3, 7, 31, 0, 12, 12, 5, 38, 2};

static char dir[SCRATCH_PATH];
static toy *network;
static eagle_drafter *dynamic;
static eagle_drafter *drawn;

static int set_up(void **state)
{
    static const int32_t ranks[] = {0, 1, 2, 0, 0, 0, 1, 1, 0, 0, 0, 0};
    static const int32_t length[] = {1, 1, 1, 2, 2, 2, 3};
    eagle_shape *shape = NULL;

    (void)state;
    scratch_create(dir);
    network = toy_create(&(toy_options){.seed = 5});
    assert_int_equal(eagle_drafter_dynamic(&dynamic, toy_head(network), 4, 3, 9, NULL), EAGLE_OK);
    assert_int_equal(eagle_shape_create(&shape, ranks, length, 7, NULL), EAGLE_OK);
    assert_int_equal(eagle_drafter_static(&drawn, toy_head(network), shape, true, NULL), EAGLE_OK);
    eagle_shape_free(shape);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    eagle_drafter_free(drawn);
    eagle_drafter_free(dynamic);
    toy_free(network);
    scratch_remove(dir);
    return 0;
}

/* How a run is made. */
typedef struct {
    const eagle_drafter *drafter; /* NULL: plain */
    float temperature;
    eagle_verify_mode mode;
    int32_t chunk; /* 0: all */
    int32_t threads;
    eagle_isa isa;
} manner;

typedef struct {
    int32_t token[N_TOKENS];
    int32_t n;
    char digest[65]; /* of logits            */
    char state[65];  /* of the session       */
} outcome;

/* One generation; with `file`, recorded. */
static outcome generate(const manner *m, const char *file, const eagle_trace_options *what)
{
    const eagle_prompt begin = {prompt, N_PROMPT};
    eagle_session_options opt;
    eagle_session *session = NULL;
    eagle_recorder *recorder = NULL;
    eagle_generation g;
    eagle_error err = {0};
    char path[SCRATCH_PATH];
    outcome out = {.n = 0};

    eagle_session_defaults(&opt);
    opt.ctx = 128;
    opt.chunk = m->chunk > 0 ? m->chunk : N_PROMPT;
    opt.threads = m->threads > 0 ? m->threads : 1;
    opt.isa = m->isa;
    opt.seed = 11;
    opt.sampling.temperature = m->temperature;
    opt.sampling.mode = m->mode;
    assert_int_equal(eagle_session_create(&session, toy_model(network), m->drafter, &opt, NULL),
                     EAGLE_OK);
    assert_int_equal(eagle_generation_start(&g, session, &begin, N_TOKENS, true, NULL), EAGLE_OK);
    if (file != NULL) {
        scratch_join(path, dir, file);
        assert_int_equal(eagle_recorder_create(&recorder, &g, path, what, &err), EAGLE_OK);
    }
    while (g.finish == EAGLE_FINISH_NOT_YET) {
        const eagle_status st =
            file != NULL ? eagle_recorder_next(recorder, &err) : eagle_generation_next(&g, &err);

        if (st != EAGLE_OK) {
            fail_msg("%s", err.message);
        }
        while (eagle_generation_take(&g)) {
            continue;
        }
    }
    if (file != NULL && eagle_recorder_finish(recorder, &err) != EAGLE_OK) {
        fail_msg("%s", err.message);
    }
    out.n = g.n;
    memcpy(out.token, g.token, (size_t)g.n * sizeof g.token[0]);
    eagle_generation_digest(out.digest, &g);
    eagle_session_hash(out.state, session);
    eagle_recorder_free(recorder);
    eagle_generation_free(&g);
    eagle_session_free(session);
    return out;
}

static eagle_trace *open_trace(const char *file)
{
    char path[SCRATCH_PATH];
    eagle_error err = {0};
    eagle_trace *trace = NULL;

    scratch_join(path, dir, file);
    if (eagle_trace_open(&trace, path, &err) != EAGLE_OK) {
        fail_msg("%s", err.message);
    }
    return trace;
}

static size_t slurp(unsigned char **data, const char *file)
{
    char path[SCRATCH_PATH];
    long size = 0;

    scratch_join(path, dir, file);
    FILE *f = fopen(path, "rb");

    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    size = ftell(f);
    rewind(f);
    *data = malloc((size_t)size);
    assert_non_null(*data);
    assert_int_equal(fread(*data, 1, (size_t)size, f), (size_t)size);
    fclose(f);
    return (size_t)size;
}

static void assert_same_file(const char *a, const char *b)
{
    unsigned char *data[2];
    const size_t size[2] = {slurp(&data[0], a), slurp(&data[1], b)};

    assert_int_equal(size[0], size[1]);
    assert_memory_equal(data[0], data[1], size[0]);
    free(data[0]);
    free(data[1]);
}

static const manner manners[] = {
    {.drafter = NULL, .temperature = 0.0f, .mode = EAGLE_VERIFY_GREEDY},
    {.drafter = NULL, .temperature = 1.3f, .mode = EAGLE_VERIFY_COUPLED},
    {.temperature = 0.0f, .mode = EAGLE_VERIFY_GREEDY},
    {.temperature = 1.3f, .mode = EAGLE_VERIFY_COUPLED},
    {.temperature = 0.8f, .mode = EAGLE_VERIFY_REJECTION},
    {.temperature = 1.1f, .mode = EAGLE_VERIFY_REJECTION}, /* drawn */
};

#define N_MANNERS (sizeof manners / sizeof manners[0])

static manner manner_at(size_t i)
{
    manner m = manners[i];

    m.drafter = i < 2 ? NULL : i + 1 < N_MANNERS ? dynamic : drawn;
    return m;
}

/* ---- the run is not changed ---------------------------------------------------------------- */

static void a_recorded_run_is_the_run(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_MANNERS; i++) {
        const manner m = manner_at(i);
        const outcome without = generate(&m, NULL, NULL);

        for (int32_t level = 0; level <= 4; level++) {
            eagle_trace_options what;

            eagle_trace_defaults(&what, level);
            const outcome with = generate(&m, "a.trace", &what);
            eagle_trace *trace = open_trace("a.trace");
            const eagle_trace_tokens *s = eagle_trace_sequence(trace);

            assert_int_equal(with.n, N_TOKENS);
            assert_memory_equal(with.token, without.token, sizeof with.token);
            assert_string_equal(with.digest, without.digest);
            assert_string_equal(with.state, without.state);
            assert_int_equal(s->n, N_PROMPT + N_TOKENS);
            assert_memory_equal(s->token, prompt, sizeof prompt);
            assert_memory_equal(s->token + N_PROMPT, with.token, sizeof with.token);
            eagle_trace_free(trace);
        }
    }
}

/* Chunks, threads and instruction sets leave no mark. */
static void a_trace_depends_on_the_run_alone(void **state)
{
    static const eagle_isa isas[] = {EAGLE_ISA_PORTABLE, EAGLE_ISA_AVX2, EAGLE_ISA_AVX512,
                                     EAGLE_ISA_NEON};
    static const int32_t chunks[] = {1, 4, 0};
    eagle_trace_options what;

    (void)state;
    for (size_t i = 0; i < N_MANNERS; i++) {
        manner m = manner_at(i);

        eagle_trace_defaults(&what, 4);
        what.digest = i % 2 == 0;
        generate(&m, "a.trace", &what);
        for (size_t k = 0; k < sizeof isas / sizeof isas[0]; k++) {
            if (eagle_isa_usable(isas[k])) {
                m.isa = isas[k];
                m.chunk = chunks[(i + k) % 3];
                m.threads = k == 1 ? 2 : 1;
                generate(&m, "b.trace", &what);
                assert_same_file("a.trace", "b.trace");
            }
        }
    }
}

/* ---- the trace is that of the run ---------------------------------------------------------- */

/* The rows that decided the tokens have the digest of the run. */
static void trees_and_logits_are_those_of_the_run(void **state)
{
    eagle_trace_options what;

    (void)state;
    eagle_trace_defaults(&what, 2);
    for (size_t i = 0; i < N_MANNERS; i++) {
        const manner m = manner_at(i);
        const outcome run = generate(&m, "a.trace", &what);
        eagle_trace *trace = open_trace("a.trace");
        const eagle_trace_manifest *info = eagle_trace_info(trace);
        eagle_sha256 sha;
        char hex[65];

        eagle_sha256_init(&sha);
        for (int32_t r = 0; r < info->rounds; r++) {
            const eagle_trace_round *round = eagle_trace_round_at(trace, r);

            /* The root is the last token before the round's own. */
            assert_int_equal(round->tree.pos, round->first - 1);
            for (int32_t node = 0; node < round->tree.n_nodes; node++) {
                assert_int_equal(round->pos[node], round->tree.pos + round->tree.depth[node]);
            }
            for (int32_t k = 0; k < round->n_taken; k++) {
                float row[VOCAB];

                eagle_trace_floats(row, round->logits, (int64_t)round->path_row[k] * VOCAB, VOCAB);
                eagle_sha256_floats(&sha, row, VOCAB);
            }
        }
        eagle_sha256_hex(hex, &sha);
        assert_string_equal(hex, run.digest);
        assert_true(eagle_trace_round_at(trace, 1)->tree.n_nodes > 1 || m.drafter == NULL);
        eagle_trace_free(trace);
    }
}

/* Answers of a trace, asked for in the same order. */
typedef struct {
    const eagle_trace_draws *draws;
    int32_t next;
} replay;

static int32_t answer(replay *p, int32_t kind, eagle_draw_key key)
{
    const eagle_trace_draws *d = p->draws;

    while (p->next < d->n && d->purpose[p->next] == EAGLE_DRAW_DRAFT) {
        p->next++; /* asked by the drafter */
    }
    assert_true(p->next < d->n);
    assert_int_equal(d->kind[p->next], kind);
    assert_int_equal(d->purpose[p->next], key.purpose);
    assert_int_equal(d->pos[p->next], key.pos);
    assert_int_equal(d->index[p->next], key.index);
    return d->answer[p->next++];
}

static void assert_wide(const eagle_wide *recorded, const eagle_wide *asked)
{
    assert_memory_equal(recorded, asked, sizeof *asked);
}

static int32_t replay_pick(void *ctx, eagle_draw_key key, const uint64_t *w, int32_t n)
{
    replay *p = ctx;
    const int32_t picked = answer(p, 0, key);
    eagle_wide sum = {{0}};

    for (int32_t i = 0; i < n; i++) {
        sum.limb[0] += w[i];
    }
    assert_wide(&p->draws->den[p->next - 1], &sum);
    assert_wide(&p->draws->num[p->next - 1], &(eagle_wide){{w[picked]}});
    return picked;
}

static bool replay_accept(void *ctx, eagle_draw_key key, uint64_t num, uint64_t den)
{
    replay *p = ctx;
    const bool yes = answer(p, 1, key) != 0;

    assert_wide(&p->draws->num[p->next - 1], &(eagle_wide){{num}});
    assert_wide(&p->draws->den[p->next - 1], &(eagle_wide){{den}});
    return yes;
}

static int32_t replay_pick_wide(void *ctx, eagle_draw_key key, const eagle_wide *w, int32_t n)
{
    replay *p = ctx;
    const int32_t picked = answer(p, 0, key);

    (void)n;
    assert_wide(&p->draws->num[p->next - 1], &w[picked]);
    return picked;
}

static bool replay_accept_wide(void *ctx, eagle_draw_key key, const eagle_wide *num,
                               const eagle_wide *den)
{
    replay *p = ctx;
    const bool yes = answer(p, 1, key) != 0;

    assert_wide(&p->draws->num[p->next - 1], num);
    assert_wide(&p->draws->den[p->next - 1], den);
    return yes;
}

/* Tree, laws, logits and draws of the file are enough to verify the round once more: the same
 * questions with the same weights, and the same path. */
static void each_round_can_be_verified_again_from_the_file(void **state)
{
    eagle_trace_options what;
    int32_t asked = 0;

    (void)state;
    eagle_trace_defaults(&what, 4);
    for (size_t i = 0; i < N_MANNERS; i++) {
        const manner m = manner_at(i);

        generate(&m, "a.trace", &what);
        eagle_trace *trace = open_trace("a.trace");
        eagle_sampling sampling;
        eagle_path *path = NULL;

        assert_int_equal(eagle_trace_sampling(&sampling, trace, NULL), EAGLE_OK);
        assert_true(sampling.temperature == m.temperature);
        assert_int_equal(eagle_path_create(&path, 16, VOCAB, sampling.mode, NULL), EAGLE_OK);
        for (int32_t r = 0; r < eagle_trace_info(trace)->rounds; r++) {
            const eagle_trace_round *round = eagle_trace_round_at(trace, r);
            replay p = {.draws = &round->draws};
            const eagle_draws draws = {replay_pick, replay_accept, replay_pick_wide,
                                       replay_accept_wide, &p};
            const eagle_rows rows = {
                .n = round->tree.n_nodes, .vocab = VOCAB, .logits = round->logits->data};

            assert_int_equal(eagle_verify(path, &round->tree, &rows, &sampling, &draws, NULL),
                             EAGLE_OK);
            assert_int_equal(path->n, round->n_path);
            assert_memory_equal(path->token, round->path_token, (size_t)path->n * 4);
            assert_memory_equal(path->node, round->path_node, (size_t)path->n * 4);
            for (int32_t k = 0; k < round->n_taken; k++) {
                assert_int_equal(eagle_trace_sequence(trace)->source[round->first + k],
                                 (int32_t)path->source[k] + 1);
            }
            assert_int_equal(p.next, round->draws.n);
            asked += p.next;
        }
        eagle_path_free(path);
        eagle_trace_free(trace);
    }
    assert_true(asked > 100);
}

/* Every site of the head and the target is there, and the rows of what was accepted are those that
 * the head is fed with in the refresh. */
static void all_sites_are_recorded_at_level_four(void **state)
{
    eagle_trace_options what;
    const manner m = manner_at(3);

    (void)state;
    eagle_trace_defaults(&what, 4);
    generate(&m, "a.trace", &what);
    eagle_trace *trace = open_trace("a.trace");
    const eagle_trace_round *round = eagle_trace_round_at(trace, 2);

    for (int32_t i = 0; i < EAGLE_SITE_COUNT; i++) {
        const bool head = i >= EAGLE_SITE_HEAD_FUSED;
        const bool layered = i >= EAGLE_SITE_LAYER_IN && i <= EAGLE_SITE_RESID_MLP;
        eagle_trace_place place = {EAGLE_TRACE_OF_ROUND, 2, 0, 1, (eagle_site)i};

        assert_int_equal(eagle_trace_site(trace, place) != NULL, !head);
        place.of = EAGLE_TRACE_OF_PROMPT;
        assert_int_equal(eagle_trace_site(trace, place) != NULL, !head && i != EAGLE_SITE_LOGITS);
        place.of = EAGLE_TRACE_OF_DRAFT;
        place.pass = 1;
        assert_int_equal(eagle_trace_site(trace, place) != NULL, head || layered);
        place.pass = 0; /* the root's logits */
        assert_int_equal(eagle_trace_site(trace, place) != NULL, i == EAGLE_SITE_HEAD_LOGITS);
        place.of = EAGLE_TRACE_OF_REFRESH;
        if (head || layered) {
            const eagle_tensor *t = eagle_trace_site(trace, place);

            assert_int_equal(t != NULL, i != EAGLE_SITE_HEAD_LOGITS);
            assert_true(t == NULL || t->shape[0] == round->n_path);
        }
    }
    eagle_trace_free(trace);
}

static void a_choice_of_rounds_layers_and_sites_is_kept_to(void **state)
{
    eagle_trace_options what;
    const manner m = manner_at(3);

    (void)state;
    eagle_trace_defaults(&what, 4);
    what.first_round = 2;
    what.end_round = 4;
    what.first_layer = 1;
    what.sites = 1u << EAGLE_SITE_Q | 1u << EAGLE_SITE_HEAD_OUT;
    generate(&m, "a.trace", &what);
    eagle_trace *trace = open_trace("a.trace");

    assert_int_equal(eagle_trace_info(trace)->first_round, 2);
    assert_int_equal(eagle_trace_info(trace)->end_round, 4);
    assert_non_null(eagle_trace_tensor(trace, "round/2/1/q"));
    assert_non_null(eagle_trace_tensor(trace, "round/3/refresh/head_out"));
    assert_null(eagle_trace_tensor(trace, "round/2/0/q"));
    assert_null(eagle_trace_tensor(trace, "round/2/1/k"));
    assert_null(eagle_trace_tensor(trace, "prompt/1/q"));
    assert_null(eagle_trace_tensor(trace, "round/1/logits"));
    assert_true(eagle_trace_sequence(trace)->round[N_PROMPT] == 0);
    eagle_trace_free(trace);
}

/* In float32 l - max is rounded (below 32: 1e-6), the sum of 40 exponentials (2.4e-6 of itself,
 * which is what its logarithm is off by), the logarithm (2.4e-7) and their difference (1e-6). */
#define LOG_BOUND 6e-6

static double log_probability(const float *row, int32_t token)
{
    double sum = 0.0;

    for (int32_t i = 0; i < VOCAB; i++) {
        sum += exp((double)row[i]);
    }
    return (double)row[token] - log(sum);
}

/* The row is that which decided the token, and temperature and filters leave it alone. */
static void log_probabilities_are_of_the_logits_as_they_are(void **state)
{
    eagle_trace_options what;
    const manner m = manner_at(3);
    int32_t seen = 0;

    (void)state;
    eagle_trace_defaults(&what, 2);
    what.top = VOCAB;
    generate(&m, "a.trace", &what);
    eagle_trace *trace = open_trace("a.trace");
    const eagle_trace_tokens *s = eagle_trace_sequence(trace);

    assert_int_equal(s->n_top, VOCAB);
    for (int32_t r = 0; r < eagle_trace_info(trace)->rounds; r++) {
        const eagle_trace_round *round = eagle_trace_round_at(trace, r);

        for (int32_t k = 0; k < round->n_taken; k++, seen++) {
            const int32_t *top = s->top_token + (size_t)seen * VOCAB;
            const float *log = s->top_logprob + (size_t)seen * VOCAB;
            const int32_t token = s->token[s->n_prompt + seen];
            float row[VOCAB];

            eagle_trace_floats(row, round->logits, (int64_t)round->path_row[k] * VOCAB, VOCAB);
            assert_true(fabs((double)s->logprob[seen] - log_probability(row, token)) < LOG_BOUND);
            for (int32_t i = 0; i < VOCAB; i++) {
                assert_true(fabs((double)log[i] - log_probability(row, top[i])) < LOG_BOUND);
                assert_true(i == 0 || row[top[i]] < row[top[i - 1]] ||
                            (row[top[i]] == row[top[i - 1]] && top[i] > top[i - 1]));
            }
        }
    }
    assert_int_equal(seen, N_TOKENS);
    eagle_trace_free(trace);
}

static void level_one_may_be_a_line(void **state)
{
    static const char begin[] = "{\"prompt_ids\":[3,7,31,0,12,12,5,38,2],\"output_ids\":[";
    eagle_trace_options what;
    const manner m = manner_at(2);
    unsigned char *data = NULL;

    (void)state;
    eagle_trace_defaults(&what, 0);
    what.lines = true;
    generate(&m, "a.jsonl", &what);
    const size_t size = slurp(&data, "a.jsonl");

    assert_memory_equal(data, begin, sizeof begin - 1);
    assert_int_equal(data[size - 1], '\n');
    free(data);
}

/* So that a trace and a certificate of `prove` can be told to be of the same networks. */
static void networks_are_named_by_their_digests(void **state)
{
    eagle_trace_options what;
    const manner m = manner_at(2);
    char model[65];
    char head[65];

    (void)state;
    eagle_trace_defaults(&what, 2);
    generate(&m, "a.trace", &what);
    eagle_trace *trace = open_trace("a.trace");

    assert_int_equal(eagle_model_digest(model, toy_model(network), NULL), EAGLE_OK);
    assert_int_equal(eagle_head_digest(head, toy_head(network), NULL), EAGLE_OK);
    assert_string_equal(eagle_trace_info(trace)->model, model);
    assert_string_equal(eagle_trace_info(trace)->head, head);
    eagle_trace_free(trace);
}

/* What each level of the tree adds is what is written of a pass of the head. */
static void the_bill_grows_with_the_drafters_levels(void **state)
{
    uint64_t bill[3];
    eagle_trace_options what;

    (void)state;
    eagle_trace_defaults(&what, 4);
    for (int32_t i = 0; i < 3; i++) {
        eagle_drafter *deep = NULL;

        assert_int_equal(eagle_drafter_dynamic(&deep, toy_head(network), 1 + 20 * i, 1, 60, NULL),
                         EAGLE_OK);
        bill[i] = eagle_recorder_bill(toy_model(network), deep, &what, N_PROMPT, N_TOKENS);
        eagle_drafter_free(deep);
    }
    assert_true(bill[1] > bill[0] + (uint64_t)20 * N_TOKENS * EAGLE_SITE_COUNT * 64);
    assert_true(bill[2] - bill[1] == bill[1] - bill[0]);
}

static void options_out_of_range_are_refused(void **state)
{
    const eagle_prompt begin = {prompt, N_PROMPT};
    eagle_session_options opt;
    eagle_session *session = NULL;
    eagle_recorder *recorder = NULL;
    eagle_trace_options what;
    eagle_generation g;
    char path[SCRATCH_PATH];

    (void)state;
    eagle_session_defaults(&opt);
    scratch_join(path, dir, "never.trace");
    assert_int_equal(eagle_session_create(&session, toy_model(network), NULL, &opt, NULL),
                     EAGLE_OK);
    assert_int_equal(eagle_generation_start(&g, session, &begin, 4, true, NULL), EAGLE_OK);
    for (int32_t i = 0; i < 6; i++) {
        eagle_trace_defaults(&what, i == 0 ? 5 : i == 1 ? 1 : 2);
        what.digest = i == 1;
        what.lines = i == 2;
        what.end_round = i == 3 ? 0 : 9;
        what.first_layer = i == 4 ? -1 : 0;
        what.top = i == 5 ? -1 : 0;
        assert_int_equal(eagle_recorder_create(&recorder, &g, path, &what, NULL), EAGLE_EINVAL);
        assert_null(recorder);
    }
    eagle_trace_defaults(&what, 2);
    assert_int_equal(eagle_recorder_create(&recorder, &g, "/nowhere/a.trace", &what, NULL),
                     EAGLE_EWRITE);
    what.first_round = 7; /* there will be five */
    assert_int_equal(eagle_recorder_create(&recorder, &g, path, &what, NULL), EAGLE_OK);
    assert_int_equal(eagle_recorder_finish(recorder, NULL), EAGLE_EINVAL); /* nothing was run */
    while (g.finish == EAGLE_FINISH_NOT_YET) {
        assert_int_equal(eagle_recorder_next(recorder, NULL), EAGLE_OK);
        while (eagle_generation_take(&g)) {
            continue;
        }
    }
    assert_int_equal(eagle_recorder_finish(recorder, NULL), EAGLE_EINVAL);
    eagle_recorder_free(recorder);
    eagle_generation_free(&g);
    eagle_session_free(session);

    FILE *file = fopen(path, "rb");

    assert_null(file); /* nothing is left */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recorded_run_is_the_run),
        cmocka_unit_test(a_trace_depends_on_the_run_alone),
        cmocka_unit_test(trees_and_logits_are_those_of_the_run),
        cmocka_unit_test(each_round_can_be_verified_again_from_the_file),
        cmocka_unit_test(all_sites_are_recorded_at_level_four),
        cmocka_unit_test(a_choice_of_rounds_layers_and_sites_is_kept_to),
        cmocka_unit_test(log_probabilities_are_of_the_logits_as_they_are),
        cmocka_unit_test(level_one_may_be_a_line),
        cmocka_unit_test(networks_are_named_by_their_digests),
        cmocka_unit_test(the_bill_grows_with_the_drafters_levels),
        cmocka_unit_test(options_out_of_range_are_refused),
    };

    return cmocka_run_group_tests_name("recorder", tests, set_up, tear_down);
}
