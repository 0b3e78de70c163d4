/* SPDX-License-Identifier: MIT */
/* samples_absent.c - in place of the judge of samples, where MPFR is missing. */
#include "base/error.h"
#include "eagle/samples.h"

static eagle_status absent(eagle_error *err)
{
    return eg_fail(err, EAGLE_EUNSUPPORTED, "built without MPFR (needs libmpfr-dev)");
}

void eagle_samples_defaults(eagle_samples_options *out)
{
    *out = (eagle_samples_options){.alpha = 1e-6, .tv = 0.01, .power = 0.99};
    eagle_sampling_defaults(&out->sampling);
    out->sampling.temperature = 1.0f;
}

eagle_status eagle_samples_create(eagle_samples **out, int32_t vocab,
                                  const eagle_samples_options *opt, eagle_error *err)
{
    (void)vocab;
    (void)opt;
    *out = NULL;
    return absent(err);
}

void eagle_samples_free(eagle_samples *s)
{
    (void)s;
}

eagle_status eagle_samples_add(eagle_samples *s, const float *logits, const float *previous,
                               const eagle_drawn *drawn, int32_t n, eagle_error *err)
{
    (void)s;
    (void)logits;
    (void)previous;
    (void)drawn;
    (void)n;
    return absent(err);
}

eagle_status eagle_samples_add_recorded(eagle_samples *s, const int32_t *top, const double *logprob,
                                        int32_t n_top, const eagle_drawn *drawn, eagle_error *err)
{
    (void)s;
    (void)top;
    (void)logprob;
    (void)n_top;
    (void)drawn;
    return absent(err);
}

eagle_status eagle_samples_judge(eagle_samples_verdict *out, const eagle_samples *s,
                                 eagle_error *err)
{
    (void)s;
    *out = (eagle_samples_verdict){0};
    return absent(err);
}

void eagle_samples_verdict_free(eagle_samples_verdict *verdict)
{
    *verdict = (eagle_samples_verdict){0};
}

eagle_status eagle_samples_compare(eagle_samples_verdict *out, const eagle_samples *s,
                                   const eagle_samples *control, eagle_error *err)
{
    (void)s;
    (void)control;
    *out = (eagle_samples_verdict){0};
    return absent(err);
}

eagle_status eagle_samples_check(eagle_samples_verdict *out, const eagle_samples_task *task,
                                 const eagle_samples_options *opt, eagle_samples_progress *progress,
                                 void *ctx, eagle_error *err)
{
    (void)task;
    (void)opt;
    (void)progress;
    (void)ctx;
    *out = (eagle_samples_verdict){0};
    return absent(err);
}
