/*
 * steps.js: does the steps of a test one after the other and measures them.
 *
 * A step is { title, plan, act(test) }.  act() returns what was found in a
 * sentence, or { state, found, reason } when it is not simply passed; it throws
 * a Failure when the steps after it make no sense.  report(i, result) hears of
 * every change: result.state is one of run, pass, note, skip, fail, left.
 */

/* reason: { what, cures } of reasons.js. */
export class Failure extends Error {
	constructor(reason) {
		super(reason.what);
		this.reason = reason;
	}
}

export const duration = (ms) => ms < 1000 ? `${Math.max(1, Math.round(ms))} ms` : `${(ms / 1000).toFixed(1)} s`;

/* Returns { state, failed }: pass, note (there is something to read), fail or left; the title of the step that failed. */
export async function runSteps(steps, test, report) {
	let failed = null;
	let state = 'pass';
	for (const [i, step] of steps.entries()) {
		if (failed || test.signal.aborted) {
			report(i, { state: 'left' });
			continue;
		}
		report(i, { state: 'run' });
		const begin = performance.now();
		try {
			const result = await step.act(test);
			const more = typeof result === 'string' ? { found: result } : result;
			state = more.state === 'note' ? 'note' : state;
			report(i, { state: 'pass', ms: performance.now() - begin, ...more });
		} catch (error) {
			failed = step.title;
			const reason = error instanceof Failure ? error.reason
				: { what: `This page made a mistake: ${error.message}`, cures: ['Please report it, with the browser and its version.'] };
			state = test.signal.aborted ? 'left' : 'fail';
			report(i, { state, ms: performance.now() - begin, reason: state === 'fail' ? reason : undefined });
		}
	}
	return { state: test.signal.aborted ? 'left' : state, failed };
}

/* Settles as the promise does, or with `late` after ms; rejects when the test is stopped. */
export function within(promise, ms, signal, late) {
	let timer;
	let stop;
	const limit = new Promise((resolve, reject) => {
		timer = setTimeout(() => resolve(late), ms);
		stop = () => reject(new Error('stopped'));
		signal.addEventListener('abort', stop);
		if (signal.aborted)
			stop();
	});
	return Promise.race([promise, limit]).finally(() => {
		clearTimeout(timer);
		signal.removeEventListener('abort', stop);
	});
}
