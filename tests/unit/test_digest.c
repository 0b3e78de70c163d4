/* SPDX-License-Identifier: MIT */
/* test_digest.c - a network's digest names all that it computes with, and nothing else. */
#include "support/lib_toy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    char model[65];
    char head[65];
} digests;

/* Of the toy's tensors under these configurations. */
static digests made_of(const toy *t, const eagle_config *model, const eagle_config *head)
{
    eagle_model *m = NULL;
    eagle_head *h = NULL;
    digests d;
    int32_t n = 0;
    const eagle_tensor *tensor = toy_tensors(&n, t, false);

    assert_int_equal(eagle_model_create(&m, model, tensor, n, NULL), EAGLE_OK);
    tensor = toy_tensors(&n, t, true);
    assert_int_equal(eagle_head_create(&h, m, head, tensor, n, NULL), EAGLE_OK);
    assert_int_equal(eagle_model_digest(d.model, m, NULL), EAGLE_OK);
    assert_int_equal(eagle_head_digest(d.head, h, NULL), EAGLE_OK);
    eagle_head_free(h);
    eagle_model_free(m);
    return d;
}

static void equal_networks_have_equal_digests(void **state)
{
    (void)state;
    toy *a = toy_create(&(toy_options){.seed = 4});
    toy *b = toy_create(&(toy_options){.seed = 4});
    const digests x = made_of(a, toy_config(a, false), toy_config(a, true));
    const digests y = made_of(b, toy_config(b, false), toy_config(b, true));

    assert_string_equal(x.model, y.model);
    assert_string_equal(x.head, y.head);
    assert_string_not_equal(x.model, x.head);
    toy_free(b);
    toy_free(a);
}

static void other_weights_have_another_digest(void **state)
{
    (void)state;
    toy *a = toy_create(&(toy_options){.seed = 4});
    toy *b = toy_create(&(toy_options){.seed = 5});
    const digests x = made_of(a, toy_config(a, false), toy_config(a, true));
    const digests y = made_of(b, toy_config(b, false), toy_config(b, true));

    assert_string_not_equal(x.model, y.model);
    assert_string_not_equal(x.head, y.head);
    toy_free(b);
    toy_free(a);
}

/* The same tensors, turned by other angles, or ended by another token, are another network. */
static void the_configuration_counts_of_each_network_alone(void **state)
{
    (void)state;
    toy *t = toy_create(&(toy_options){.seed = 4});
    const digests x = made_of(t, toy_config(t, false), toy_config(t, true));
    eagle_config other = *toy_config(t, false);

    other.rope.theta = 77.0;
    digests y = made_of(t, &other, toy_config(t, true));

    assert_string_not_equal(x.model, y.model);
    assert_string_equal(x.head, y.head);
    other = *toy_config(t, true);
    other.rope.theta = 77.0;
    y = made_of(t, toy_config(t, false), &other);
    assert_string_equal(x.model, y.model);
    assert_string_not_equal(x.head, y.head);
    other = *toy_config(t, false);
    other.end[other.n_end++] = 3;
    y = made_of(t, &other, toy_config(t, true));
    assert_string_not_equal(x.model, y.model);
    toy_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_networks_have_equal_digests),
        cmocka_unit_test(other_weights_have_another_digest),
        cmocka_unit_test(the_configuration_counts_of_each_network_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
