/**
 * @file What can be said of two lists of numbers: means, spreads, and Welch's interval for the difference of the means,
 * which supposes neither equal spreads nor equal counts.
 *
 * @see B. L. Welch, "The generalization of 'Student's' problem when several different population variances are
 * involved", Biometrika 34 (1947)
 */

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The standard deviation of the population that these are a sample of (n − 1); `undefined` for fewer than two. */
export function deviation(values: readonly number[]): number | undefined {
  if (values.length < 2) return undefined;
  const middle = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}

/** A difference of means and how far off it may be. */
export interface Interval {
  /** Mean of `b` less that of `a`. */
  difference: number;
  /** Half the width of the interval; `undefined` where a list has fewer than two numbers. */
  margin: number | undefined;
}

/**
 * The interval that holds the true difference with the given confidence, where the numbers are about normal.
 *
 * @param confidence between 0 and 1.
 */
export function welchInterval(
  a: readonly number[],
  b: readonly number[],
  confidence: number,
): Interval {
  const difference = mean(b) - mean(a);
  const [spreadA, spreadB] = [deviation(a), deviation(b)];
  if (spreadA === undefined || spreadB === undefined) return { difference, margin: undefined };
  const [varianceA, varianceB] = [spreadA ** 2 / a.length, spreadB ** 2 / b.length];
  const variance = varianceA + varianceB;
  if (variance === 0) return { difference, margin: 0 };
  const degrees =
    variance ** 2 / (varianceA ** 2 / (a.length - 1) + varianceB ** 2 / (b.length - 1));
  const margin = studentQuantile((1 + confidence) / 2, degrees) * Math.sqrt(variance);
  return { difference, margin };
}

/** The t below which Student's t lies with probability `p`, from 0.5 to 1; by halving. */
export function studentQuantile(p: number, degrees: number): number {
  let [low, high] = [0, 1];
  while (studentTail(high, degrees) > 1 - p) [low, high] = [high, 2 * high];
  for (let i = 0; i < 80; i++) {
    const middle = (low + high) / 2;
    if (studentTail(middle, degrees) > 1 - p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The probability that Student's t is above `t`, which is not negative. */
function studentTail(t: number, degrees: number): number {
  return incompleteBeta(degrees / (degrees + t * t), degrees / 2, 0.5) / 2;
}

/** The regularized incomplete beta function I_x(a, b), by its continued fraction. */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1;
  // The fraction converges quickly on this side of the mean.
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(
    logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log(1 - x),
  );
  // Lentz's method.
  const tiny = 1e-300;
  const away = (value: number) => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m < 300; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    let change = 1;
    for (const term of [even, odd]) {
      d = 1 / away(1 + term * d);
      c = away(1 + term / c);
      change = c * d;
      fraction *= change;
    }
    if (Math.abs(change - 1) < 1e-15) break;
  }
  return (front * fraction) / a;
}

/** ln Γ(x) for x > 0 (Lanczos, g = 7). */
function logGamma(x: number): number {
  const coefficients = [
    676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406,
    12.507343278686905, -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
  ];
  const sum = coefficients.reduce(
    (total, coefficient, i) => total + coefficient / (x + i),
    0.9999999999998099,
  );
  const t = x + 6.5;
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}
