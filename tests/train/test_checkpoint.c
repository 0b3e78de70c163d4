/* SPDX-License-Identifier: MIT */
/* test_checkpoint.c - checkpoints that are another training's, or damaged, are refused, and leave
 * the trainer as it was; exports are read as they were written. */
#include "formats/safetensors.h"
#include "support/lib_lesson.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- another training's ------------------------------------------------------------------ */

/* A trainer of `l` refuses the state at `path`, by a word. */
static void refuses(const lesson *l, const char *path, eagle_status expected, const char *word)
{
    eagle_trainer *t = lesson_make(l);
    eagle_resumed what;
    eagle_error err = {0};

    lesson_run(t, 1);

    const lesson_digest before = lesson_weights(t);

    lesson_assert_fails(expected, eagle_trainer_resume(&what, t, path, &err), &err, word);

    const lesson_digest after = lesson_weights(t);

    lesson_assert_same(&before, &after);
    assert_int_equal(eagle_trainer_steps(t), 1);
    assert_null(what.memo);
    eagle_trainer_free(t);
}

/* Writes the state after two steps to DIR/state. */
static void write_state(char path[SCRATCH_PATH], const lesson *l)
{
    eagle_trainer *t = lesson_make(l);

    scratch_join(path, l->dir, "state");
    lesson_run(t, 2);
    lesson_save(t, NULL, path);
    eagle_trainer_free(t);
}

static void what_differs_is_named(void **state)
{
    (void)state;
    char path[SCRATCH_PATH];
    lesson l;

    lesson_begin(&l, true);
    write_state(path, &l);

    const lesson good = l;

    l.opt.lr *= 2.0;
    refuses(&l, path, EAGLE_EFIT, "\"lr\"");
    l = good;
    l.opt.seed++;
    refuses(&l, path, EAGLE_EFIT, "\"seed\" is 3 there, but 4 here");
    l = good;
    l.opt.steps++;
    refuses(&l, path, EAGLE_EFIT, "\"steps\"");
    l = good;
    l.opt.batch--;
    refuses(&l, path, EAGLE_EFIT, "\"batch\"");
    l = good;
    l.opt.noise = 0.0;
    refuses(&l, path, EAGLE_EFIT, "\"noise\"");
    l = good;
    l.opt.own_features = 0.25;
    refuses(&l, path, EAGLE_EFIT, "\"own_features\"");
    l = good;
    l.head = false;
    eagle_train_defaults_target(&l.opt);
    l.opt.batch = 64;
    l.opt.length = 16;
    l.opt.threads = 1;
    refuses(&l, path, EAGLE_EFIT, "\"kind\" is eagle1 there, but target here");
    l = good;
    l.corpus = lesson_corpus(l.dir, 40, 9);
    refuses(&l, path, EAGLE_EFIT, "digest of the texts");
    eagle_corpus_free(l.corpus);
    l = good;
    l.target = toy_create(&(toy_options){.dim = 16,
                                         .n_layers = 1,
                                         .n_heads = 2,
                                         .n_kv_heads = 1,
                                         .ffn_dim = 24,
                                         .vocab = LESSON_VOCAB,
                                         .seed = 77});
    refuses(&l, path, EAGLE_EFIT, "digest of the target");
    toy_free(l.target);
    l = good;
    lesson_end(&l);
}

static void another_shape_is_named(void **state)
{
    (void)state;
    char path[SCRATCH_PATH];
    lesson l;

    lesson_begin(&l, false);
    write_state(path, &l);
    l.config.ffn_dim += 8;
    refuses(&l, path, EAGLE_EFIT, "\"intermediate_size\" is 24 there, but 32 here");
    l.config.ffn_dim -= 8;
    l.config.n_layers = 2;
    refuses(&l, path, EAGLE_EFIT, "\"num_hidden_layers\"");
    lesson_end(&l);
}

static void other_tokens_and_another_context_are_named(void **state)
{
    (void)state;
    char path[SCRATCH_PATH];
    lesson l;

    lesson_begin(&l, false);
    l.config.bos = -1;
    l.config.context = 64;
    l.config.n_end = EAGLE_MAX_END; /* the last of many counts as the first does */
    for (int i = 0; i < EAGLE_MAX_END; i++) {
        l.config.end[i] = i % 3;
    }
    write_state(path, &l);
    const lesson good = l;

    l.config.bos = 1;
    refuses(&l, path, EAGLE_EFIT, "\"bos_token_id\" is none there, but 1 here");
    l = good;
    l.config.context = 65;
    refuses(&l, path, EAGLE_EFIT, "\"max_position_embeddings\" is 64 there, but 65 here");
    l = good;
    l.config.end[EAGLE_MAX_END - 1] = 5;
    refuses(&l, path, EAGLE_EFIT, "\"eos_token_id\" is 0,1,2,0");
    l.config.n_end = 0;
    refuses(&l, path, EAGLE_EFIT, "but none here");
    l = good;
    lesson_end(&l);
}

/* ---- damaged ----------------------------------------------------------------------------- */

/* A state in parts that a test may change. */
typedef struct {
    eg_safetensors file;
    eagle_tensor tensor[256]; /* [n] */
    size_t n;
    json_t *metadata;
    float numbers[4096]; /* of the tensor that is changed */
} parts;

static void take_apart(parts *p, const char *path)
{
    memset(p, 0, sizeof *p);
    assert_int_equal(eg_safetensors_open_file(&p->file, path, NULL), EAGLE_OK);
    p->n = eg_safetensors_count(&p->file);
    assert_true(p->n < sizeof p->tensor / sizeof p->tensor[0]);
    assert_int_equal(eg_safetensors_list(p->tensor, &p->file, NULL), EAGLE_OK);
    p->metadata = json_deep_copy(json_object_get(p->file.header, EG_METADATA));
}

static void put_together(parts *p, const char *path)
{
    char *metadata = json_dumps(p->metadata, 0);
    eagle_error err = {0};

    if (eagle_tensors_write(path, p->tensor, (int32_t)p->n, metadata, &err) != EAGLE_OK) {
        fail_msg("%s", err.message);
    }
    free(metadata);
    json_decref(p->metadata);
    eg_safetensors_close(&p->file);
}

static eagle_tensor *find(parts *p, const char *name)
{
    for (size_t i = 0; i < p->n; i++) {
        if (strcmp(p->tensor[i].name, name) == 0) {
            return &p->tensor[i];
        }
    }
    fail_msg("no tensor %s", name);
    return NULL;
}

/* Sets the last number of a tensor. */
static void set_number(parts *p, const char *name, float value)
{
    eagle_tensor *t = find(p, name);

    assert_true(t->size <= sizeof p->numbers);
    memcpy(p->numbers, t->data, t->size);
    p->numbers[t->size / sizeof(float) - 1] = value;
    t->data = p->numbers;
}

static void set_text(parts *p, const char *key, const char *value)
{
    if (value == NULL) {
        json_object_del(p->metadata, key);
    } else {
        json_object_set_new(p->metadata, key, json_string(value));
    }
}

/* Number i of the damages; false past the last. The expected status and word come back. */
static bool damage(parts *p, int i, eagle_status *st, const char **word)
{
    static const char norm[] = "model.norm.weight";
    static const struct {
        const char *key;
        const char *value;
        const char *word;
    } texts[] = {{"eagle_checkpoint", NULL, "no checkpoint"},
                 {"step", NULL, "\"step\" is missing"},
                 {"step", "-1", "\"step\" is -1"},
                 {"step", "7", "\"step\" is 7"},
                 {"step", "2x", "\"step\" is 2x"},
                 {"rows", "1000", "\"rows\" is 1000"},
                 {"piece", "99999", "is no place"},
                 {"used", "17", "is no place"},
                 {"epoch", "9999999999999999999", "\"epoch\""}};
    const int n_texts = (int)(sizeof texts / sizeof texts[0]);

    *st = EAGLE_EFORMAT;
    if (i < n_texts) {
        set_text(p, texts[i].key, texts[i].value);
        *word = texts[i].word;
        return true;
    }
    switch (i - n_texts) {
    case 0:
        set_text(p, "eagle_checkpoint", "1");
        *st = EAGLE_EUNSUPPORTED;
        *word = "is 1 there";
        return true;
    case 1:
        set_number(p, norm, NAN);
        *st = EAGLE_ENUMERIC;
        *word = norm;
        return true;
    case 2:
        set_number(p, "m.model.norm.weight", INFINITY);
        *st = EAGLE_ENUMERIC;
        *word = "m.model.norm.weight";
        return true;
    case 3:
        set_number(p, "v.model.norm.weight", -1.0f);
        *st = EAGLE_ENUMERIC;
        *word = "v.model.norm.weight";
        return true;
    case 4:
        *find(p, norm) = p->tensor[--p->n];
        *word = "is missing";
        return true;
    case 5:
        p->tensor[p->n] = *find(p, norm);
        p->tensor[p->n++].name = "another";
        *word = "tensors, must be";
        return true;
    case 6:
        find(p, norm)->rank = 2;
        find(p, norm)->shape[1] = 1;
        *word = "must be F32 of 16 x 1";
        return true;
    case 7:
        find(p, norm)->dtype = EAGLE_I32;
        *word = "must be F32";
        return true;
    default: return false;
    }
}

static void a_damaged_state_is_refused(void **state)
{
    (void)state;
    char path[SCRATCH_PATH];
    char bad[SCRATCH_PATH];
    lesson l;
    int n = 0;

    lesson_begin(&l, false);
    write_state(path, &l);
    scratch_join(bad, l.dir, "bad");
    for (;; n++) {
        eagle_status st = EAGLE_OK;
        const char *word = NULL;
        parts p;

        take_apart(&p, path);

        const bool more = damage(&p, n, &st, &word);

        put_together(&p, bad);
        if (!more) {
            break;
        }
        refuses(&l, bad, st, word);
    }
    assert_int_equal(n, 17);

    /* What the last round wrote is whole again: only the damages were refused. */
    eagle_trainer *t = lesson_make(&l);
    eagle_resumed what;

    assert_int_equal(eagle_trainer_resume(&what, t, bad, NULL), EAGLE_OK);
    eagle_trainer_free(t);
    lesson_end(&l);
}

static void the_memo_comes_without_a_trainer(void **state)
{
    (void)state;
    char path[SCRATCH_PATH];
    char *memo = NULL;
    eagle_error err = {0};
    lesson l;
    parts p;

    lesson_begin(&l, false);
    write_state(path, &l);
    assert_int_equal(eagle_trainer_memo(&memo, path, &err), EAGLE_OK);
    assert_null(memo);

    eagle_trainer *t = lesson_make(&l);

    lesson_save(t, "so far", path);
    eagle_trainer_free(t);
    assert_int_equal(eagle_trainer_memo(&memo, path, &err), EAGLE_OK);
    assert_string_equal(memo, "so far");
    free(memo);

    take_apart(&p, path);
    set_text(&p, "eagle_checkpoint", "1");
    put_together(&p, path);
    assert_int_equal(eagle_trainer_memo(&memo, path, &err), EAGLE_EUNSUPPORTED);
    assert_null(memo);
    assert_int_equal(eagle_trainer_memo(&memo, "no such file", &err), EAGLE_EREAD);
    lesson_end(&l);
}

static void a_state_that_is_cut_anywhere_is_refused(void **state)
{
    (void)state;
    static char data[1 << 17];
    char path[SCRATCH_PATH];
    lesson l;

    lesson_begin(&l, false);
    write_state(path, &l);

    FILE *file = fopen(path, "rb");

    assert_non_null(file);

    const size_t size = fread(data, 1, sizeof data, file);

    fclose(file);
    assert_true(size > 1000 && size < sizeof data);

    eagle_trainer *t = lesson_make(&l);
    const lesson_digest before = lesson_weights(t);

    for (size_t cut = 0; cut < size; cut += cut < 16 ? 1 : size / 20) {
        eagle_resumed what;

        scratch_write(l.dir, "state", data, cut);
        assert_int_not_equal(eagle_trainer_resume(&what, t, path, NULL), EAGLE_OK);
    }
    assert_int_equal(eagle_trainer_resume(&(eagle_resumed){0}, t, "no such file", NULL),
                     EAGLE_EREAD);

    const lesson_digest after = lesson_weights(t);

    lesson_assert_same(&before, &after);
    eagle_trainer_free(t);
    lesson_end(&l);
}

/* ---- exports ----------------------------------------------------------------------------- */

/* The tensor of that name that a model or head was opened with. */
static const eagle_tensor *tensor_of(const eagle_model *model, const eagle_head *head,
                                     const char *name)
{
    const eagle_tensor *t = NULL;

    for (int32_t i = 0;; i++) {
        t = head != NULL ? eagle_head_tensor(head, i) : eagle_model_tensor(model, i);
        if (t == NULL || strcmp(t->name, name) == 0) {
            return t;
        }
    }
}

static void a_target_is_read_as_it_was_written(void **state)
{
    (void)state;
    const eagle_tensor *tensor = NULL;
    eagle_model *model = NULL;
    eagle_error err = {0};
    int32_t n = 0;
    lesson l;

    lesson_begin(&l, false);
    l.config.bos = 1;
    l.config.n_end = 2;
    l.config.end[0] = 2;
    l.config.end[1] = 5;

    eagle_trainer *t = lesson_make(&l);

    lesson_run(t, 2);
    assert_int_equal(eagle_trainer_export(t, l.dir, EAGLE_F32, false, NULL), EAGLE_OK);
    if (eagle_model_open(&model, l.dir, &err) != EAGLE_OK) {
        fail_msg("%s", err.message);
    }
    const eagle_config *c = eagle_model_config(model);

    assert_int_equal(c->dim, l.config.dim);
    assert_int_equal(c->n_kv_heads, l.config.n_kv_heads);
    assert_int_equal(c->context, l.config.context);
    assert_true(c->rms_eps == l.config.rms_eps);
    assert_true(c->rope.theta == l.config.rope.theta);
    assert_int_equal(c->bos, 1);
    assert_int_equal(c->n_end, 2);
    assert_int_equal(c->end[1], 5);
    eagle_trainer_tensors(&tensor, &n, t);
    for (int32_t i = 0; i < n; i++) {
        const eagle_tensor *read = tensor_of(model, NULL, tensor[i].name);

        assert_non_null(read);
        assert_int_equal(read->size, tensor[i].size);
        assert_memory_equal(read->data, tensor[i].data, tensor[i].size);
    }
    assert_null(eagle_model_tensor(model, n));
    eagle_model_free(model);
    eagle_trainer_free(t);
    lesson_end(&l);
}

/* A bfloat16 has 8 significant bits, so half of its last place is at most 2^-8 of the number. */
static void rounded_weights_are_the_nearest(void **state)
{
    (void)state;
    const eagle_tensor *tensor = NULL;
    eagle_model *model = NULL;
    int32_t n = 0;
    lesson l;

    lesson_begin(&l, false);

    eagle_trainer *t = lesson_make(&l);

    lesson_run(t, 2);
    assert_int_equal(eagle_trainer_export(t, l.dir, EAGLE_BF16, false, NULL), EAGLE_OK);
    assert_int_equal(eagle_model_open(&model, l.dir, NULL), EAGLE_OK);
    eagle_trainer_tensors(&tensor, &n, t);
    for (int32_t i = 0; i < n; i++) {
        const eagle_tensor *read = tensor_of(model, NULL, tensor[i].name);
        const float *exact = tensor[i].data;
        const uint16_t *half = read->data;

        assert_int_equal(read->dtype, EAGLE_BF16);
        for (size_t j = 0; j < tensor[i].size / sizeof *exact; j++) {
            const uint32_t bits = (uint32_t)half[j] << 16;
            float rounded;

            memcpy(&rounded, &bits, sizeof rounded);
            assert_true(fabsf(rounded - exact[j]) <= 0x1p-8f * fabsf(exact[j]));
        }
    }
    eagle_model_free(model);
    eagle_trainer_free(t);
    lesson_end(&l);
}

/* With the names of published heads; a bias of zeros where it learned none, so that loaders which
 * always have one compute the same. */
static void a_head_is_read_as_it_was_written(void **state)
{
    (void)state;
    static const float zeros[16] = {0};
    eagle_head *head = NULL;
    eagle_error err = {0};
    lesson l;

    lesson_begin(&l, true);

    eagle_trainer *t = lesson_make(&l);

    lesson_run(t, 2);
    for (int own = 0; own < 2; own++) {
        const eagle_tensor *fc = NULL;

        assert_int_equal(eagle_trainer_export(t, l.dir, EAGLE_F32, own != 0, NULL), EAGLE_OK);
        if (eagle_head_open(&head, toy_model(l.target), l.dir, &err) != EAGLE_OK) {
            fail_msg("%s", err.message);
        }
        assert_true(eagle_head_own_embedding(head) == (own != 0));
        assert_true(eagle_head_config(head)->fc_bias);
        assert_memory_equal(tensor_of(NULL, head, "fc.bias")->data, zeros, sizeof zeros);
        fc = tensor_of(NULL, head, "fc.weight");
        assert_int_equal(fc->shape[1], 32);
        if (own) {
            const eagle_tensor *embedding =
                tensor_of(toy_model(l.target), NULL, "model.embed_tokens.weight");

            assert_memory_equal(tensor_of(NULL, head, "embed_tokens.weight")->data, embedding->data,
                                embedding->size);
        }
        eagle_head_free(head);
    }
    eagle_trainer_free(t);
    lesson_end(&l);
}

/* A head goes on from another's weights, and a target from another's. */
static void training_starts_from_given_weights(void **state)
{
    (void)state;
    eagle_head *head = NULL;
    eagle_trainer *next = NULL;
    lesson l;

    lesson_begin(&l, true);

    eagle_trainer *t = lesson_make(&l);

    lesson_run(t, 2);
    assert_int_equal(eagle_trainer_export(t, l.dir, EAGLE_F32, false, NULL), EAGLE_OK);
    assert_int_equal(eagle_head_open(&head, toy_model(l.target), l.dir, NULL), EAGLE_OK);

    const eagle_head_task task = {.model = toy_model(l.target), .start = head, .corpus = l.corpus};

    assert_int_equal(eagle_trainer_head(&next, NULL, &task, &l.opt, NULL), EAGLE_OK);

    const eagle_tensor *a = NULL;
    int32_t n = 0;

    eagle_trainer_tensors(&a, &n, next);
    for (int32_t i = 0; i < n; i++) {
        const eagle_tensor *b = tensor_of(NULL, head, a[i].name);

        assert_memory_equal(a[i].data, b->data, b->size);
    }
    eagle_trainer_free(next);
    eagle_head_free(head);
    eagle_trainer_free(t);
    lesson_end(&l);
}

/* What is exported reads the target's embedding: a start that was trained on another is refused, a
 * rounded copy of the target's is none. */
static void a_head_with_another_embedding_is_no_start(void **state)
{
    (void)state;
    eagle_head *copy = NULL;
    eagle_trainer *next = NULL;
    eagle_error err = {0};
    lesson l;

    lesson_begin(&l, true);

    toy *other = toy_create(&(toy_options){.dim = toy_config(l.target, false)->dim,
                                           .vocab = LESSON_VOCAB,
                                           .own_embedding = true,
                                           .seed = 9});
    eagle_trainer *t = lesson_make(&l);
    eagle_head_task task = {
        .model = toy_model(l.target), .start = toy_head(other), .corpus = l.corpus};

    lesson_assert_fails(EAGLE_EFIT, eagle_trainer_head(&next, NULL, &task, &l.opt, &err), &err,
                        "an embedding that is not the target's");
    assert_int_equal(eagle_trainer_export(t, l.dir, EAGLE_BF16, true, NULL), EAGLE_OK);
    assert_int_equal(eagle_head_open(&copy, toy_model(l.target), l.dir, NULL), EAGLE_OK);
    task.start = copy;
    assert_int_equal(eagle_trainer_head(&next, NULL, &task, &l.opt, NULL), EAGLE_OK);

    eagle_trainer_free(next);
    eagle_head_free(copy);
    eagle_trainer_free(t);
    toy_free(other);
    lesson_end(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_differs_is_named),
        cmocka_unit_test(another_shape_is_named),
        cmocka_unit_test(the_memo_comes_without_a_trainer),
        cmocka_unit_test(other_tokens_and_another_context_are_named),
        cmocka_unit_test(a_damaged_state_is_refused),
        cmocka_unit_test(a_state_that_is_cut_anywhere_is_refused),
        cmocka_unit_test(a_target_is_read_as_it_was_written),
        cmocka_unit_test(rounded_weights_are_the_nearest),
        cmocka_unit_test(a_head_is_read_as_it_was_written),
        cmocka_unit_test(training_starts_from_given_weights),
        cmocka_unit_test(a_head_with_another_embedding_is_no_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
