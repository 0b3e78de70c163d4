/* SPDX-License-Identifier: MIT */
/* make_mathf.c - prints src/kernels/mathf_constants.h.
 *
 * Polynomials interpolate their function at Chebyshev nodes in 300 bits, are brought to powers
 * of the argument and rounded to double. Beside each stands the largest error that the rounded
 * polynomial has on a fine grid, as it enters the result. docs/canonical-order.md adds the
 * rounding of the evaluation to it. */
#include <stdio.h>

#ifdef EG_HAVE_MPFR

#include <mpfr.h>

#define BITS       300
#define MAX_COEFFS 16
#define GRID       4000

typedef void function(mpfr_t y, const mpfr_t x);

/* One polynomial: f on [lo, hi] in n coefficients; its error counts times `x^power` in the
 * result. */
typedef struct {
    const char *name;
    const char *what;
    function *f;
    double lo;
    double hi;
    int n;
    int power;
} polynomial;

/* (e^r - 1 - r) / r^2; the interval is not quite symmetric so that no node is r = 0. */
static void exp_rest(mpfr_t y, const mpfr_t r)
{
    mpfr_expm1(y, r, MPFR_RNDN);
    mpfr_sub(y, y, r, MPFR_RNDN);
    mpfr_div(y, y, r, MPFR_RNDN);
    mpfr_div(y, y, r, MPFR_RNDN);
}

/* (2 atanh(s) - 2 s) / s^3 at z = s^2. */
static void log_rest(mpfr_t y, const mpfr_t z)
{
    mpfr_t s;

    mpfr_init2(s, BITS);
    mpfr_sqrt(s, z, MPFR_RNDN);
    mpfr_atanh(y, s, MPFR_RNDN);
    mpfr_sub(y, y, s, MPFR_RNDN);
    mpfr_mul_2ui(y, y, 1, MPFR_RNDN);
    mpfr_div(y, y, s, MPFR_RNDN);
    mpfr_div(y, y, z, MPFR_RNDN);
    mpfr_clear(s);
}

/* (sin(r) - r) / r^3 at z = r^2. */
static void sin_rest(mpfr_t y, const mpfr_t z)
{
    mpfr_t r;

    mpfr_init2(r, BITS);
    mpfr_sqrt(r, z, MPFR_RNDN);
    mpfr_sin(y, r, MPFR_RNDN);
    mpfr_sub(y, y, r, MPFR_RNDN);
    mpfr_div(y, y, r, MPFR_RNDN);
    mpfr_div(y, y, z, MPFR_RNDN);
    mpfr_clear(r);
}

/* (cos(r) - 1 + r^2 / 2) / r^4 at z = r^2. */
static void cos_rest(mpfr_t y, const mpfr_t z)
{
    mpfr_t half;

    mpfr_init2(half, BITS);
    mpfr_sqrt(y, z, MPFR_RNDN);
    mpfr_cos(y, y, MPFR_RNDN);
    mpfr_sub_ui(y, y, 1, MPFR_RNDN);
    mpfr_div_2ui(half, z, 1, MPFR_RNDN);
    mpfr_add(y, y, half, MPFR_RNDN);
    mpfr_div(y, y, z, MPFR_RNDN);
    mpfr_div(y, y, z, MPFR_RNDN);
    mpfr_clear(half);
}

/* Chebyshev node i of n, moved from [-1, 1] to [lo, hi]. */
static void node(mpfr_t x, const polynomial *p, int i)
{
    mpfr_const_pi(x, MPFR_RNDN);
    mpfr_mul_ui(x, x, (unsigned long)(2 * i + 1), MPFR_RNDN);
    mpfr_div_ui(x, x, (unsigned long)(2 * p->n), MPFR_RNDN);
    mpfr_cos(x, x, MPFR_RNDN);
    mpfr_mul_d(x, x, (p->hi - p->lo) / 2, MPFR_RNDN);
    mpfr_add_d(x, x, (p->hi + p->lo) / 2, MPFR_RNDN);
}

/* Newton's divided differences, then Horner from the last node outwards to get powers. */
static void interpolate(double *c, const polynomial *p)
{
    mpfr_t x[MAX_COEFFS];
    mpfr_t d[MAX_COEFFS];
    mpfr_t a[MAX_COEFFS];
    mpfr_t t;

    mpfr_init2(t, BITS);
    for (int i = 0; i < p->n; i++) {
        mpfr_inits2(BITS, x[i], d[i], a[i], (mpfr_ptr)0);
        mpfr_set_zero(a[i], 1);
        node(x[i], p, i);
        p->f(d[i], x[i]);
    }
    for (int k = 1; k < p->n; k++) {
        for (int i = p->n - 1; i >= k; i--) {
            mpfr_sub(d[i], d[i], d[i - 1], MPFR_RNDN);
            mpfr_sub(t, x[i], x[i - k], MPFR_RNDN);
            mpfr_div(d[i], d[i], t, MPFR_RNDN);
        }
    }
    for (int k = p->n - 1; k >= 0; k--) { /* a = a (x - x[k]) + d[k] */
        for (int i = p->n - 1; i >= 0; i--) {
            mpfr_mul(t, a[i], x[k], MPFR_RNDN);
            mpfr_neg(t, t, MPFR_RNDN);
            if (i > 0) {
                mpfr_add(t, t, a[i - 1], MPFR_RNDN);
            }
            mpfr_set(a[i], t, MPFR_RNDN);
        }
        mpfr_add(a[0], a[0], d[k], MPFR_RNDN);
    }
    for (int i = 0; i < p->n; i++) {
        c[i] = mpfr_get_d(a[i], MPFR_RNDN);
        mpfr_clears(x[i], d[i], a[i], (mpfr_ptr)0);
    }
    mpfr_clear(t);
}

/* log2 of the largest |rounded polynomial - f| x |argument|^power on a grid. */
static double error_bits(const double *c, const polynomial *p)
{
    mpfr_t x;
    mpfr_t y;
    mpfr_t f;
    mpfr_t worst;

    mpfr_inits2(BITS, x, y, f, worst, (mpfr_ptr)0);
    mpfr_set_zero(worst, 1);
    for (int g = 0; g <= GRID; g++) {
        mpfr_set_d(x, p->lo + (p->hi - p->lo) * (g + 0.5) / (GRID + 1), MPFR_RNDN);
        mpfr_set_zero(y, 1);
        for (int i = p->n - 1; i >= 0; i--) {
            mpfr_mul(y, y, x, MPFR_RNDN);
            mpfr_add_d(y, y, c[i], MPFR_RNDN);
        }
        p->f(f, x);
        mpfr_sub(y, y, f, MPFR_RNDN);
        mpfr_pow_ui(x, x, (unsigned long)p->power, MPFR_RNDN);
        mpfr_mul(y, y, x, MPFR_RNDN);
        mpfr_abs(y, y, MPFR_RNDN);
        mpfr_max(worst, worst, y, MPFR_RNDN);
    }
    mpfr_log2(worst, worst, MPFR_RNDN);

    double bits = mpfr_get_d(worst, MPFR_RNDN);

    mpfr_clears(x, y, f, worst, (mpfr_ptr)0);
    return bits;
}

static void print_polynomial(const polynomial *p)
{
    double c[MAX_COEFFS];

    interpolate(c, p);
    printf("\n/* %s; error 2^%.1f. */\nstatic const double %s[%d] = {\n", p->what, error_bits(c, p),
           p->name, p->n);
    for (int i = 0; i < p->n; i++) {
        printf("    %a,\n", c[i]);
    }
    printf("};\n");
}

/* The first `n` doubles of a value, each rounding what the ones before leave. */
static void print_parts(const char *name, const mpfr_t value, int n)
{
    static const char *const suffix[] = {"_HI", "_MID", "_LO"};
    mpfr_t rest;

    mpfr_init2(rest, BITS);
    mpfr_set(rest, value, MPFR_RNDN);
    for (int i = 0; i < n; i++) {
        double part = mpfr_get_d(rest, MPFR_RNDN);

        printf("#define %s%s %a\n", name, suffix[i], part);
        mpfr_sub_d(rest, rest, part, MPFR_RNDN);
    }
    mpfr_clear(rest);
}

int main(void)
{
    static const polynomial polynomials[] = {
        {"eg_exp_coeffs", "(e^r - 1 - r) / r^2 on |r| <= 0.3466", exp_rest, -0.3467, 0.3466, 11, 2},
        {"eg_log_coeffs", "(2 atanh(s) - 2 s) / s^3 in z = s^2 <= 0.02945", log_rest, 0, 0.02945, 8,
         1},
        {"eg_sin_coeffs", "(sin(r) - r) / r^3 in z = r^2 <= 0.6169", sin_rest, 0, 0.6169, 7, 1},
        {"eg_cos_coeffs", "(cos(r) - 1 + r^2 / 2) / r^4 in z = r^2 <= 0.6169", cos_rest, 0, 0.6169,
         7, 2},
    };
    mpfr_t value;

    mpfr_init2(value, BITS);
    printf("/* SPDX-License-Identifier: MIT */\n"
           "/* mathf_constants.h - printed by tests/support/make_mathf.c; do not edit. */\n/* "
           "clang-format off */\n"
           "#ifndef EG_KERNELS_MATHF_CONSTANTS_H\n#define EG_KERNELS_MATHF_CONSTANTS_H\n\n"
           "/* ln 2, pi / 2: each part rounds what the parts before leave. */\n");
    mpfr_const_log2(value, MPFR_RNDN);
    print_parts("EG_LN2", value, 3);
    mpfr_ui_div(value, 1, value, MPFR_RNDN);
    printf("#define EG_LOG2_E %a\n", mpfr_get_d(value, MPFR_RNDN));
    mpfr_const_pi(value, MPFR_RNDN);
    mpfr_div_2ui(value, value, 1, MPFR_RNDN);
    print_parts("EG_HALF_PI", value, 3);
    mpfr_ui_div(value, 1, value, MPFR_RNDN);
    printf("#define EG_TWO_OVER_PI %a\n", mpfr_get_d(value, MPFR_RNDN));
    mpfr_clear(value);
    for (size_t i = 0; i < sizeof polynomials / sizeof polynomials[0]; i++) {
        print_polynomial(&polynomials[i]);
    }
    printf("\n#endif\n");
    mpfr_free_cache();
    return 0;
}

#else

int main(void)
{
    fputs("make_mathf: built without MPFR (libmpfr-dev)\n", stderr);
    return 77;
}

#endif
