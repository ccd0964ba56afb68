/** @file Processes of this machine: which one this is, and whether another one lives. Node only. */
import { codeOf } from './file_system.ts';

/** A process, so that no other is taken for it. */
export interface ProcessMark {
  pid: number;
  host: string;
  /** When it began, as the system counts it; empty where the system does not tell. */
  began: string;
}

export async function thisProcess(): Promise<ProcessMark> {
  const { hostname } = await import('node:os');
  const { pid } = process;
  return { pid, host: hostname(), began: await beginningOf(pid) };
}

/** Tells apart systems whose processes are numbered each by itself, as those of containers; empty where there is one. */
export async function numberingOf(): Promise<string> {
  if (process.platform !== 'linux') return '';
  const { readlink } = await import('node:fs/promises');
  return readlink('/proc/self/ns/pid').catch(() => '');
}

/** Whether there is a process of this number on this machine. */
export function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/** When a process began, in the ticks of Linux since the machine started; no clock that is set changes it. */
export async function beginningOf(pid: number): Promise<string> {
  if (process.platform !== 'linux') return '';
  try {
    const { readFile } = await import('node:fs/promises');
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name of the program, in brackets, may have spaces; 20 fields after it is the time.
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
