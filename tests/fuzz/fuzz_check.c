/* SPDX-License-Identifier: MIT */
/* fuzz_check.c - arbitrary bytes as another implementation's runs, which are read and judged.
 *
 * The first byte says how they are judged; the rest is a file. One that begins with '{' and has a
 * NUL is a trace: its header, the NUL, its data; the fuzzer need not guess the eight bytes of the
 * header's length. Without a NUL it is JSON: lists of tokens, or responses. */
#include "eagle/check.h"
#include "fuzz/fuzz.h"
#include "support/lib_scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_HEADER 65536

/* The bits of the first byte. */
enum {
    WITHOUT_HEAD = 1,
    DRAWN = 2,        /* the sampling is given, and not the run's */
    RULE = 4,         /* times 0..3                               */
    EXACT = 16,       /* allowed is 1e-6, and a shift is asked for */
    BF16 = 32,        /* the type of the runs is given            */
    WITH_CONTROL = 64 /* the runs are their own control           */
};

/* Opened once and kept: the leak checker sees them. */
static eagle_model *model;
static eagle_head *head;

static void promise(int kept, const char *what)
{
    if (!kept) {
        fprintf(stderr, "not so: %s\n", what);
        abort();
    }
}

static void open_all(void)
{
    if (model == NULL) {
        promise(eagle_model_open(&model, "testdata/toy", NULL) == EAGLE_OK, "the target opens");
        promise(eagle_head_open(&head, model, "testdata/toy-eagle1", NULL) == EAGLE_OK,
                "the head opens");
    }
}

/* No line is worse than the verdict, no failure passes, texts end. */
static void check_report(const eagle_check_report *report)
{
    const eagle_check_verdict verdict = eagle_check_verdict_of(report);
    const eagle_check_divergence *first = eagle_check_first(report);
    const eagle_check_line *line;
    const eagle_check_fit *fit;

    for (int32_t i = 0; (line = eagle_check_line_at(report, i)) != NULL; i++) {
        promise(line->verdict <= verdict || line->verdict == EAGLE_CHECK_DRAFT_DIFF,
                "no line is worse than the verdict");
        promise(line->n_judged >= 0 && line->n_different >= 0 && line->n_failed >= 0, "counts");
        promise(line->n_failed == 0 || line->verdict >= EAGLE_CHECK_INCONCLUSIVE ||
                    strcmp(line->name, "control") == 0, /* its counts are the control's */
                "a failure is no pass");
        promise(memchr(line->text, 0, sizeof line->text) != NULL, "a text ends");
        promise(memchr(line->detail, 0, sizeof line->detail) != NULL, "a detail ends");
    }
    promise(!first->found || first->run >= 0, "a divergence has a run");
    for (int32_t i = 0; (fit = eagle_check_fit_at(report, i)) != NULL; i++) {
        promise(first->found, "an explanation has a divergence");
        promise(i == 0 || !(fit->distance < eagle_check_fit_at(report, i - 1)->distance),
                "in order");
    }
    promise((eagle_check_status(report) == EAGLE_OK) == (verdict == EAGLE_CHECK_PASS),
            "the status is the verdict's");
}

static void judge(const eagle_claims *claims, unsigned how)
{
    static const char *const rule[] = {NULL, "typical", "transformers", "safeailab"};
    eagle_check_report *report = NULL;
    eagle_memory_bill bill;
    eagle_check_options opt;
    eagle_error err = {0};

    eagle_check_defaults(&opt);
    opt.threads = 1;
    opt.chunk = 4;
    opt.head = (how & WITHOUT_HEAD) != 0 ? NULL : head;
    opt.sampling_given = (how & DRAWN) != 0;
    opt.sampling.temperature = 0.7f;
    opt.sampling.top_k = 5;
    opt.rule = rule[how / RULE % 4];
    opt.eps = (how & EXACT) != 0 ? 1e-6 : 0.0;
    opt.shift = (how & EXACT) != 0 ? 1e-3 : 0.0;
    opt.dtype = EAGLE_BF16;
    opt.dtype_given = (how & BF16) != 0;

    const eagle_claims *control = (how & WITH_CONTROL) != 0 ? claims : NULL;
    const eagle_status paid = eagle_check_bill(&bill, model, claims, control, &opt, &err);

    fuzz_check_error(paid != EAGLE_OK, err.message);
    if (paid != EAGLE_OK || bill.target_kv + bill.work > UINT64_C(1) << 28) {
        return; /* the program asks what there is, and refuses */
    }
    const eagle_status st = eagle_check(&report, model, claims, control, &opt, &err);

    fuzz_check_error(st != EAGLE_OK, err.message);
    promise((st == EAGLE_OK) == (report != NULL), "a report, or an error");
    if (report != NULL) {
        check_report(report);
    }
    eagle_check_report_free(report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[SCRATCH_PATH];
    eagle_error err = {0};
    eagle_claims *claims = NULL;

    if (size < 2) {
        return 0;
    }
    open_all();

    const uint8_t *file = data + 1;
    const size_t n = size - 1;
    const unsigned char *end = memchr(file, 0, n);

    if (file[0] == '{' && end != NULL) {
        const size_t length = (size_t)(end - file);
        char header[MOST_HEADER];

        if (length >= sizeof header) {
            return 0;
        }
        memcpy(header, file, length);
        header[length] = '\0';
        scratch_tensors(fuzz_dir(), "f.runs", header, end + 1, n - length - 1);
    } else {
        scratch_write(fuzz_dir(), "f.runs", file, n);
    }
    scratch_join(path, fuzz_dir(), "f.runs");

    const eagle_status st = eagle_claims_open(&claims, path, &err);

    fuzz_check_error(st != EAGLE_OK, err.message);
    if (st == EAGLE_OK) {
        judge(claims, data[0]);
    }
    eagle_claims_free(claims);
    return 0;
}
