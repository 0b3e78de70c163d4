/* SPDX-License-Identifier: MIT */
/* scan_model.c - reads every weight of a model once. */
#include "base/error.h"
#include "base/team.h"
#include "kernels/scan.h"
#include "model/model.h"

/* `whose` is "model" or "head". */
static eagle_status scan(uint64_t *n_bytes, const eagle_tensor *t, const char *whose, bool check,
                         int32_t threads, eagle_error *err)
{
    *n_bytes += t->size;
    if (!check) {
        /* The sum is of no use; a sum that can be seen keeps the reads. */
        volatile uint64_t seen;

        seen = eg_scan_bytes(t->data, t->size, threads);
        (void)seen;
        return EAGLE_OK;
    }
    const size_t n = t->size / eagle_dtype_size(t->dtype);
    const size_t bad = eg_scan_not_finite(t->data, t->dtype, n, threads);

    return bad == 0
               ? EAGLE_OK
               : eg_fail(err, EAGLE_EFORMAT, "the %s's tensor %s: %zu of %zu values are not finite",
                         whose, t->name, bad, n);
}

eagle_status eagle_model_scan(uint64_t *n_bytes, const eagle_model *model, const eagle_head *head,
                              bool check, int32_t threads, eagle_error *err)
{
    const int32_t n_threads = threads > 0 ? threads : eagle_cpu_count();
    const eagle_tensor *t;
    eagle_status st = EAGLE_OK;

    *n_bytes = 0;
    if (threads < 0 || n_threads > EG_MAX_THREADS) {
        return eg_fail(err, EAGLE_EINVAL, "%d threads, needs to be 1 to %d", threads,
                       EG_MAX_THREADS);
    }
    st = eg_team_check(n_threads, err);
    for (int32_t i = 0; st == EAGLE_OK && (t = eagle_model_tensor(model, i)) != NULL; i++) {
        st = scan(n_bytes, t, "model", check, n_threads, err);
    }
    for (int32_t i = 0; st == EAGLE_OK && head != NULL && (t = eagle_head_tensor(head, i)) != NULL;
         i++) {
        st = scan(n_bytes, t, "head", check, n_threads, err);
    }
    return st;
}
