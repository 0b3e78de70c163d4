/* SPDX-License-Identifier: MIT */
/* test_safetensors.c - reading tensors of a model directory. What is refused stands in
 * test_hostile_files.c. */
#include "formats/formats.h"
#include "support/lib_scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SINGLE "model.safetensors"
#define INDEX  "model.safetensors.index.json"

static int set_up(void **state)
{
    static char dir[SCRATCH_PATH];

    scratch_create(dir);
    *state = dir;
    return 0;
}

static int tear_down(void **state)
{
    scratch_remove(*state);
    return 0;
}

static eg_tensors open_right(const char *dir)
{
    eg_tensors tensors;
    eagle_error err = {0};

    if (eg_tensors_open(&tensors, dir, &err) != EAGLE_OK) {
        fail_msg("%s", err.message);
    }
    return tensors;
}

static void open_wrong(const char *dir, eagle_status code, const char *piece)
{
    eg_tensors tensors;
    eagle_error err = {0};

    assert_int_equal(eg_tensors_open(&tensors, dir, &err), code);
    assert_int_equal(err.code, code);
    if (strstr(err.message, piece) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.message, piece);
    }
    assert_null(tensors.tensor);
    assert_null(tensors.map);
}

static void each_dtype_has_its_name_and_size(void **state)
{
    static const struct {
        eagle_dtype dtype;
        const char *name;
        size_t size;
    } all[] = {{EAGLE_F32, "F32", 4}, {EAGLE_F16, "F16", 2},  {EAGLE_BF16, "BF16", 2},
               {EAGLE_F64, "F64", 8}, {EAGLE_I64, "I64", 8},  {EAGLE_I32, "I32", 4},
               {EAGLE_U8, "U8", 1},   {EAGLE_BOOL, "BOOL", 1}};

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        assert_string_equal(eagle_dtype_name(all[i].dtype), all[i].name);
        assert_int_equal(eagle_dtype_size(all[i].dtype), all[i].size);
    }
    assert_null(eagle_dtype_name((eagle_dtype)(EAGLE_BOOL + 1)));
    assert_int_equal(eagle_dtype_size((eagle_dtype)(EAGLE_BOOL + 1)), 0);
}

/* One tensor of each type, the header in another order than the data and than the names. */
static void every_dtype_is_read_with_its_shape_and_bytes(void **state)
{
    static const char header[] =
        "{\"d\":{\"dtype\":\"I32\",\"shape\":[1,1],\"data_offsets\":[16,20]},"
        "\"__metadata__\":{\"format\":\"pt\"},"
        "\"a\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]},"
        "\"b\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[8,16]},"
        "\"c\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[20,24]},"
        "\"f\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[26,28]},"
        "\"e\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[24,26]},"
        "\"g\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,2],"
        "\"data_offsets\":[28,30]},"
        "\"i\":{\"dtype\":\"F32\",\"shape\":[3,0],\"data_offsets\":[30,30]},"
        "\"h\":{\"dtype\":\"BOOL\",\"shape\":[1],\"data_offsets\":[30,31]}}"
        "    ";
    static const size_t begin[9] = {0, 8, 20, 16, 24, 26, 28, 30, 30};
    static const eagle_dtype dtype[9] = {EAGLE_F64, EAGLE_I64, EAGLE_F32,  EAGLE_I32, EAGLE_BF16,
                                         EAGLE_F16, EAGLE_U8,  EAGLE_BOOL, EAGLE_F32};
    unsigned char data[31];

    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (unsigned char)(7 * i + 1);
    }
    scratch_tensors(*state, SINGLE, header, data, sizeof data);

    eg_tensors t = open_right(*state);

    assert_int_equal(t.n, 9);
    assert_int_equal(t.n_maps, 1);
    assert_int_equal(t.file_bytes, 8 + strlen(header) + sizeof data);
    for (int i = 0; i < 9; i++) {
        assert_int_equal(t.tensor[i].name[0], 'a' + i); /* sorted */
        assert_int_equal(t.tensor[i].dtype, dtype[i]);
        assert_memory_equal(t.tensor[i].data, data + begin[i], t.tensor[i].size);
        assert_int_equal((uintptr_t)t.tensor[i].data % eagle_dtype_size(dtype[i]), 0);
    }
    assert_int_equal(t.tensor[1].rank, 0); /* a scalar */
    assert_int_equal(t.tensor[1].size, 8);
    assert_int_equal(t.tensor[3].rank, 2);
    assert_int_equal(t.tensor[6].rank, 8);
    assert_int_equal(t.tensor[6].shape[7], 2);
    assert_int_equal(t.tensor[8].size, 0);
    assert_int_equal(t.tensor[8].shape[0], 3);
    eg_tensors_close(&t);
    assert_int_equal(t.n, 0);
}

/* The same file with its header padded to each remainder: aligned data stay where they are in the
 * mapping, the others are copied, and both read the same. */
static void data_that_are_not_aligned_are_copied(void **state)
{
    static const double values[2] = {3.25, -1.0 / 3};
    char header[128] = "{\"x\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[0,16]}}";
    int aligned = 0;

    for (int i = 0; i < 8; i++) {
        scratch_tensors(*state, SINGLE, header, values, sizeof values);

        eg_tensors t = open_right(*state);
        const unsigned char *data = t.tensor[0].data;
        bool inside = data >= t.map[0].data && data < t.map[0].data + t.map[0].size;

        assert_memory_equal(data, values, sizeof values);
        assert_int_equal((uintptr_t)data % 8, 0);
        assert_int_equal(t.n_copies, inside ? 0 : 1);
        aligned += inside;
        eg_tensors_close(&t);
        strcat(header, " ");
    }
    assert_int_equal(aligned, 1);
}

static void a_file_without_tensors_is_a_file(void **state)
{
    scratch_tensors(*state, SINGLE, "{}", NULL, 0);

    eg_tensors t = open_right(*state);

    assert_int_equal(t.n, 0);
    eg_tensors_close(&t);
}

/* ---- shards ---------------------------------------------------------------------------------- */

static void write_shards(const char *dir)
{
    static const float one[3] = {1, 2, 3};
    static const float two[1] = {4};

    scratch_tensors(dir, "s-1.safetensors",
                    "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                    "\"c\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}",
                    one, sizeof one);
    scratch_tensors(dir, "s-2.safetensors",
                    "{\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", two,
                    sizeof two);
}

static void shards_are_one_list_of_tensors(void **state)
{
    write_shards(*state);
    scratch_text(*state, INDEX,
                 "{\"metadata\":{\"total_size\":16},\"weight_map\":{\"a\":\"s-1.safetensors\","
                 "\"b\":\"s-2.safetensors\",\"c\":\"s-1.safetensors\"}}");

    eg_tensors t = open_right(*state);

    assert_int_equal(t.n, 3);
    assert_int_equal(t.n_maps, 2);
    assert_float_equal(*(const float *)t.tensor[0].data, 1, 0);
    assert_float_equal(*(const float *)t.tensor[1].data, 4, 0);
    assert_float_equal(*(const float *)t.tensor[2].data, 2, 0);
    assert_string_equal(t.tensor[1].name, "b");
    eg_tensors_close(&t);
}

static void the_single_file_comes_before_the_index(void **state)
{
    scratch_text(*state, INDEX, "{\"weight_map\":{\"a\":\"gone.safetensors\"}}");
    scratch_tensors(*state, SINGLE, "{}", NULL, 0);

    eg_tensors t = open_right(*state);

    eg_tensors_close(&t);
}

static void an_index_must_agree_with_its_shards(void **state)
{
    static const struct {
        const char *map;
        eagle_status code;
        const char *piece;
    } wrong[] = {
        {"{}", EAGLE_EFORMAT, "lists no tensor"},
        {"[]", EAGLE_EFORMAT, "\"weight_map\" is a list of 0, must be an object"},
        {"{\"a\":1}", EAGLE_EFORMAT, "\"a\" is 1, must be a string"},
        {"{\"a\":\"../s-1.safetensors\"}", EAGLE_EFORMAT, "must be in a file of this directory"},
        {"{\"a\":\"/etc/passwd\"}", EAGLE_EFORMAT, "must be in a file of this directory"},
        {"{\"a\":\"..\"}", EAGLE_EFORMAT, "must be in a file of this directory"},
        {"{\"a\":\"\"}", EAGLE_EFORMAT, "must be in a file of this directory"},
        {"{\"a\":\"s-3.safetensors\"}", EAGLE_EREAD, "s-3.safetensors: No such file"},
        {"{\"a\":\"s-1.safetensors\"}", EAGLE_EFORMAT, "tensor \"c\" is in s-1.safetensors, but"},
        {"{\"a\":\"s-1.safetensors\",\"c\":\"s-2.safetensors\",\"b\":\"s-2.safetensors\"}",
         EAGLE_EFORMAT, "\"weight_map\" says \"s-2.safetensors\""},
        {"{\"a\":\"s-1.safetensors\",\"c\":\"s-1.safetensors\",\"d\":\"s-1.safetensors\"}",
         EAGLE_EFORMAT, "tensor \"d\" is not in s-1.safetensors"},
        {"{\"a\":\"s-1.safetensors\",\"c\":\"s-1.safetensors\",\"__metadata__\":"
         "\"s-1.safetensors\"}",
         EAGLE_EFORMAT, "tensor \"__metadata__\" is not in"},
    };
    char index[512];

    write_shards(*state);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        snprintf(index, sizeof index, "{\"weight_map\":%s}", wrong[i].map);
        scratch_text(*state, INDEX, index);
        open_wrong(*state, wrong[i].code, wrong[i].piece);
    }
}

/* Both shards hold "a": whichever the index names, the other one contradicts it. */
static void two_shards_cannot_hold_the_same_name(void **state)
{
    static const char header[] = "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}";

    scratch_tensors(*state, "s-1", header, "x", 1);
    scratch_tensors(*state, "s-2", header, "y", 1);
    scratch_text(*state, INDEX, "{\"weight_map\":{\"a\":\"s-1\",\"b\":\"s-2\"}}");
    open_wrong(*state, EAGLE_EFORMAT, "tensor \"a\" is in s-2, but \"weight_map\" says \"s-1\"");
}

static void a_directory_without_tensors_says_what_was_looked_for(void **state)
{
    open_wrong(*state, EAGLE_EREAD, "neither model.safetensors nor model.safetensors.index.json");
    scratch_text(*state, "pytorch_model.bin", "x");
    open_wrong(*state, EAGLE_EREAD, "convert it to safetensors");
}

static void published_models_are_read(void **state)
{
    static const struct {
        const char *dir;
        int32_t n;
    } models[] = {{"models/stories260K", 47},
                  {"models/stories260K-bf16", 47},
                  {"models/babyllama-tok361", 47},
                  {"models/stories-27m", 219},
                  {"heads/babyllama-tok361-eagle1", 11},
                  {"heads/stories260K-eagle1", 11}};
    char path[SCRATCH_PATH];
    int read = 0;

    (void)state;
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        if (scratch_find_data(path, models[i].dir)) {
            eg_tensors t = open_right(path);

            assert_int_equal(t.n, models[i].n);
            assert_int_equal(t.n_copies, 0);
            eg_tensors_close(&t);
            read++;
        }
    }
    if (read == 0) {
        skip();
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_dtype_has_its_name_and_size),
        TEST(every_dtype_is_read_with_its_shape_and_bytes),
        TEST(data_that_are_not_aligned_are_copied),
        TEST(a_file_without_tensors_is_a_file),
        TEST(shards_are_one_list_of_tensors),
        TEST(the_single_file_comes_before_the_index),
        TEST(an_index_must_agree_with_its_shards),
        TEST(two_shards_cannot_hold_the_same_name),
        TEST(a_directory_without_tensors_says_what_was_looked_for),
        cmocka_unit_test(published_models_are_read),
    };

    return cmocka_run_group_tests_name("safetensors", tests, NULL, NULL);
}
