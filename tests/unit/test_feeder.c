/* SPDX-License-Identifier: MIT */
/* test_feeder.c - the order in which a training sees its texts. */
#include "support/lib_scratch.h"
#include "support/lib_toy.h"

#include "train/feeder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A corpus of documents of these lengths: token j of document i is 1000 i + j. */
static eagle_corpus *documents(const int32_t *length, int32_t n)
{
    char dir[SCRATCH_PATH];
    char path[SCRATCH_PATH];
    eagle_corpus_options opt;
    eagle_corpus *corpus;

    eagle_corpus_defaults(&opt);
    scratch_create(dir);
    scratch_join(path, dir, "a.ids");
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    for (int32_t i = 0; i < n; i++) {
        for (int32_t j = 0; j < length[i]; j++) {
            fprintf(file, "%d ", 1000 * i + j);
        }
        fprintf(file, "\n");
    }
    fclose(file);
    assert_int_equal(
        eagle_corpus_read(&corpus, &(const char *){path}, 1, NULL, 1000000, &opt, NULL), EAGLE_OK);
    scratch_remove(dir);
    assert_int_equal(eagle_corpus_count(corpus), n);
    return corpus;
}

static eg_feeder *make(eg_arena *arena, const eagle_corpus *corpus, eg_batch_room room,
                       uint64_t seed, int64_t epochs)
{
    *arena = (eg_arena){0};
    eg_feeder *f = eg_feeder_make(arena, corpus, &room, seed, epochs);

    assert_non_null(f);
    return f;
}

/* ---- one document, by hand ------------------------------------------------------------------- */

static void assert_batch(eg_feeder *f, const int32_t *token, size_t n, const int32_t *start,
                         size_t n_sequences)
{
    eg_batch batch;

    eg_feeder_next(&batch, NULL, f);
    assert_int_equal(batch.n, n);
    assert_int_equal(batch.n_sequences, n_sequences);
    assert_memory_equal(batch.token, token, n * sizeof *token);
    assert_memory_equal(batch.start, start, (n_sequences + 1) * sizeof *start);
    assert_null(batch.feature);
    assert_null(batch.noise);
}

/* Ten tokens in pieces of 10 (one piece), packed into batches of 4: 0-3, 3-6, 6-9, again and
 * again. */
static void a_piece_is_cut_where_the_batch_ends_and_goes_on_with_its_last_token(void **state)
{
    (void)state;
    eagle_corpus *corpus = documents(&(int32_t){10}, 1);
    eg_arena arena;
    eg_feeder *f =
        make(&arena, corpus, (eg_batch_room){.rows = 4, .sequences = 4, .length = 10}, 1, 0);

    for (int epoch = 0; epoch < 3; epoch++) {
        assert_batch(f, (int32_t[]){0, 1, 2, 3}, 4, (int32_t[]){0, 4}, 1);
        assert_batch(f, (int32_t[]){3, 4, 5, 6}, 4, (int32_t[]){0, 4}, 1);
        assert_batch(f, (int32_t[]){6, 7, 8, 9}, 4, (int32_t[]){0, 4}, 1);
    }
    assert_int_equal(eg_feeder_place(f).epoch, 3);
    assert_int_equal(eg_feeder_pieces(f), 1);
    eg_arena_free(&arena);
    eagle_corpus_free(corpus);
}

/* Three tokens in batches of 7: two whole documents leave one row, which stays empty. */
static void a_single_row_at_the_end_is_left_empty(void **state)
{
    (void)state;
    eagle_corpus *corpus = documents(&(int32_t){3}, 1);
    eg_arena arena;
    eg_feeder *f =
        make(&arena, corpus, (eg_batch_room){.rows = 7, .sequences = 7, .length = 10}, 1, 0);

    assert_batch(f, (int32_t[]){0, 1, 2, 0, 1, 2}, 6, (int32_t[]){0, 3, 6}, 2);
    assert_batch(f, (int32_t[]){0, 1, 2, 0, 1, 2}, 6, (int32_t[]){0, 3, 6}, 2);
    eg_arena_free(&arena);
    f = make(&arena, corpus, (eg_batch_room){.rows = 7, .sequences = 1, .length = 10}, 1, 0);
    assert_batch(f, (int32_t[]){0, 1, 2}, 3, (int32_t[]){0, 3}, 1);
    eg_arena_free(&arena);
    eagle_corpus_free(corpus);
}

/* Ten tokens in pieces of 4: 0-3, 3-6, 6-9; the ends overlap. Eleven: 9-10 is one more. */
static void a_long_document_is_pieces_that_overlap_by_one_token(void **state)
{
    (void)state;
    static const int32_t length[] = {10, 11};

    for (int which = 0; which < 2; which++) {
        eagle_corpus *corpus = documents(&length[which], 1);
        eg_arena arena;
        eg_feeder *f =
            make(&arena, corpus, (eg_batch_room){.rows = 4, .sequences = 1, .length = 4}, 1, 1);
        int32_t seen[11] = {0};
        eg_batch batch;

        assert_int_equal(eg_feeder_pieces(f), 3 + which);
        for (int i = 0; i < 3 + which; i++) {
            eg_feeder_next(&batch, NULL, f);
            assert_int_equal(batch.n, batch.token[0] == 9 ? 2 : 4);
            assert_int_equal(batch.token[0] % 3, 0);
            seen[batch.token[0]]++;
        }
        assert_int_equal(seen[0] + seen[3] + seen[6] + seen[9], 3 + which);
        eg_feeder_next(&batch, NULL, f);
        assert_int_equal(batch.n, 0);
        assert_int_equal(batch.n_sequences, 0);
        eg_arena_free(&arena);
        eagle_corpus_free(corpus);
    }
}

/* ---- properties ------------------------------------------------------------------------------ */

enum { N_DOCUMENTS = 23, LONGEST = 60 };

typedef struct {
    int32_t length[N_DOCUMENTS];
    eagle_corpus *corpus;
    eg_batch_room room;
    uint64_t seed;
} world;

static world make_world(uint64_t random)
{
    world w;

    w.seed = random;
    for (int32_t i = 0; i < N_DOCUMENTS; i++) {
        w.length[i] = 2 + (int32_t)(toy_random(&random) % (LONGEST - 1));
    }
    w.corpus = documents(w.length, N_DOCUMENTS);
    w.room.rows = 2 + (size_t)(toy_random(&random) % 70);
    w.room.sequences = 1 + (size_t)(toy_random(&random) % 9);
    w.room.length = 2 + (size_t)(toy_random(&random) % 40);
    return w;
}

static void each_token_but_the_first_is_learned_once_an_epoch(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        world w = make_world(seed);
        eg_arena arena;
        eg_feeder *f = make(&arena, w.corpus, w.room, seed, 2);
        int learned[N_DOCUMENTS][LONGEST] = {{0}};
        const eg_origin *origin;
        eg_batch batch;

        for (eg_feeder_next(&batch, &origin, f); batch.n > 0; eg_feeder_next(&batch, &origin, f)) {
            assert_true(batch.n <= w.room.rows && batch.n_sequences <= w.room.sequences);
            assert_true(batch.n + 1 >= w.room.rows || batch.n_sequences == w.room.sequences ||
                        eg_feeder_place(f).epoch == 2);
            assert_int_equal(batch.start[0], 0);
            assert_int_equal(batch.start[batch.n_sequences], batch.n);
            for (size_t s = 0; s < batch.n_sequences; s++) {
                const int32_t begin = batch.start[s];
                const int32_t n = batch.start[s + 1] - begin;

                assert_true(n >= 2 && (size_t)n <= w.room.length);
                for (int32_t i = 0; i < n; i++) {
                    const int32_t at = origin[s].first + i;

                    assert_int_equal(batch.token[begin + i], 1000 * origin[s].document + at);
                    assert_int_equal(batch.learn[begin + i], 1);
                    learned[origin[s].document][at] += i > 0;
                }
            }
        }
        for (int32_t i = 0; i < N_DOCUMENTS; i++) {
            for (int32_t j = 0; j < w.length[i]; j++) {
                if (learned[i][j] != (j > 0 ? 2 : 0)) {
                    fail_msg("seed %d: token %d of document %d was learned %d times in two epochs",
                             (int)seed, j, i, learned[i][j]);
                }
            }
        }
        eg_arena_free(&arena);
        eagle_corpus_free(w.corpus);
    }
}

/* A digest of the next n batches. */
static void digest(char hex[65], eg_feeder *f, int n)
{
    eagle_sha256 sha;

    eagle_sha256_init(&sha);
    for (int i = 0; i < n; i++) {
        eg_batch batch;

        eg_feeder_next(&batch, NULL, f);
        eagle_sha256_update(&sha, batch.token, batch.n * sizeof *batch.token);
        eagle_sha256_update(&sha, batch.learn, batch.n);
        eagle_sha256_update(&sha, batch.start, (batch.n_sequences + 1) * sizeof *batch.start);
    }
    eagle_sha256_hex(hex, &sha);
}

static void seeking_equals_walking(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        world w = make_world(seed);
        eg_arena walked;
        eg_arena sought;
        eg_feeder *walker = make(&walked, w.corpus, w.room, seed, 0);
        eg_feeder *seeker = make(&sought, w.corpus, w.room, seed, 0);
        char a[65];
        char b[65];

        while (eg_feeder_place(walker).epoch < 2) {
            assert_true(eg_feeder_seek(seeker, eg_feeder_place(walker)));
            digest(a, walker, 3);
            digest(b, seeker, 3);
            assert_string_equal(a, b);
            digest(a, seeker, (int)(seed % 7)); /* to be somewhere else */
        }
        eg_arena_free(&walked);
        eg_arena_free(&sought);
        eagle_corpus_free(w.corpus);
    }
}

static void order_is_a_function_of_seed_and_epoch(void **state)
{
    (void)state;
    int32_t length[N_DOCUMENTS];

    for (int i = 0; i < N_DOCUMENTS; i++) {
        length[i] = 4;
    }
    eagle_corpus *corpus = documents(length, N_DOCUMENTS);
    const eg_batch_room room = {
        .rows = 4 * (size_t)N_DOCUMENTS, .sequences = N_DOCUMENTS, .length = 4};
    char hex[4][65]; /* two epochs of two seeds */
    char again[65];

    for (int i = 0; i < 2; i++) {
        eg_arena arena;
        eg_feeder *f = make(&arena, corpus, room, 7 + (uint64_t)i, 0);

        digest(hex[2 * i], f, 1);
        digest(hex[2 * i + 1], f, 1);
        assert_true(eg_feeder_seek(f, (eg_place){0}));
        digest(again, f, 1);
        assert_string_equal(again, hex[2 * i]);
        eg_arena_free(&arena);
    }
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(hex[i], hex[j]);
        }
    }
    eagle_corpus_free(corpus);
}

/* Of 3 documents each of the 6 orders is drawn 1000 times in 6000 epochs, give or take 6 standard
 * deviations (28.9 each). */
static void every_order_is_as_likely(void **state)
{
    (void)state;
    eagle_corpus *corpus = documents((const int32_t[]){2, 2, 2}, 3);
    eg_arena arena;
    eg_feeder *f =
        make(&arena, corpus, (eg_batch_room){.rows = 6, .sequences = 3, .length = 2}, 5, 0);
    int count[9] = {0};

    for (int epoch = 0; epoch < 6000; epoch++) {
        const eg_origin *origin;
        eg_batch batch;

        eg_feeder_next(&batch, &origin, f);
        assert_int_equal(batch.n, 6);
        count[3 * origin[0].document + origin[1].document]++;
    }
    for (int i = 0; i < 9; i++) {
        if (i % 4 == 0) {
            assert_int_equal(count[i], 0); /* the same document twice */
        } else {
            assert_in_range(count[i], 1000 - 173, 1000 + 173);
        }
    }
    eg_arena_free(&arena);
    eagle_corpus_free(corpus);
}

static void a_place_that_does_not_exist_is_refused(void **state)
{
    (void)state;
    eagle_corpus *corpus = documents((const int32_t[]){5, 5}, 2);
    static const eg_place bad[] = {{-1, 0, 0}, {4, 0, 0},  {3, 1, 0}, {3, 0, 1},
                                   {1, 2, 0},  {1, -1, 0}, {0, 0, 5}, {0, 0, -1}};
    eg_arena arena;
    eg_feeder *f =
        make(&arena, corpus, (eg_batch_room){.rows = 3, .sequences = 3, .length = 5}, 5, 3);
    char expected[65];
    char found[65];

    assert_true(eg_feeder_seek(f, (eg_place){2, 1, 3}));
    digest(expected, f, 1);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_true(eg_feeder_seek(f, (eg_place){2, 1, 3}));
        assert_false(eg_feeder_seek(f, bad[i]));
        digest(found, f, 1);
        assert_string_equal(expected, found);
    }
    assert_true(eg_feeder_seek(f, (eg_place){3, 0, 0}));
    eg_batch batch;

    eg_feeder_next(&batch, NULL, f);
    assert_int_equal(batch.n, 0);
    eg_arena_free(&arena);
    eagle_corpus_free(corpus);
}

static void memory_is_counted_before_it_is_taken(void **state)
{
    (void)state;
    eagle_corpus *corpus = documents((const int32_t[]){50, 7}, 2);
    const eg_batch_room room = {.rows = 20, .sequences = 10, .length = 12};
    eg_arena counted = {.count_only = true};
    eg_arena taken = {0};

    assert_null(eg_feeder_make(&counted, corpus, &room, 0, 0));
    assert_non_null(eg_feeder_make(&taken, corpus, &room, 0, 0));
    assert_true(counted.bytes[EG_FOR_WORK] == taken.bytes[EG_FOR_WORK]);
    eg_arena_free(&taken);
    eagle_corpus_free(corpus);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_piece_is_cut_where_the_batch_ends_and_goes_on_with_its_last_token),
        cmocka_unit_test(a_single_row_at_the_end_is_left_empty),
        cmocka_unit_test(a_long_document_is_pieces_that_overlap_by_one_token),
        cmocka_unit_test(each_token_but_the_first_is_learned_once_an_epoch),
        cmocka_unit_test(seeking_equals_walking),
        cmocka_unit_test(order_is_a_function_of_seed_and_epoch),
        cmocka_unit_test(every_order_is_as_likely),
        cmocka_unit_test(a_place_that_does_not_exist_is_refused),
        cmocka_unit_test(memory_is_counted_before_it_is_taken),
    };

    return cmocka_run_group_tests_name("feeder", tests, NULL, NULL);
}
