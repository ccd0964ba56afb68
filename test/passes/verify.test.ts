/** @file The verifier finds graphs that are broken in every way it names, and says which node of which stage. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Graph, Node, type Op, Value, type VariableRef } from '../../src/ir/graph.ts';
import { verify } from '../../src/ir/verify.ts';
import * as ops from '../../src/ops/index.ts';
import { runPasses } from '../../src/passes/index.ts';

/** x → relu → add, with a result. */
function sound(): Graph {
  const graph = new Graph();
  const x = ops.input(graph, 'x', [2, 3]);
  graph.outputs.set('y', ops.add(ops.relu(x), 1));
  return graph;
}

/** Puts `node` where the graph's node `at` was. */
function replace(graph: Graph, at: number, node: Node): void {
  graph.nodes[at] = node;
}

const again = ({ graph, id, op, inputs, attrs, scope }: Node, changes: Partial<Node>): Node =>
  new Node(
    changes.graph ?? graph,
    changes.id ?? id,
    changes.op ?? op,
    changes.inputs ?? inputs,
    changes.attrs ?? attrs,
    scope,
  );

const relu = (graph: Graph) => graph.nodes[1]!;
const weight: VariableRef = { name: 'w', shape: [4], dtype: 'float32' };

const broken: Readonly<Record<string, { graph(): Graph; says: RegExp }>> = {
  'a node with another number than its place': {
    graph() {
      const graph = sound();
      replace(graph, 1, again(relu(graph), { id: 2 }));
      return graph;
    },
    says: /%2 relu is out of place/,
  },
  'a node of another graph': {
    graph() {
      const graph = sound();
      replace(graph, 1, again(relu(graph), { graph: new Graph() }));
      return graph;
    },
    says: /%1 relu is out of place/,
  },
  'nodes in the wrong order': {
    graph() {
      const graph = sound();
      graph.nodes.reverse();
      return graph;
    },
    says: /is out of place/,
  },
  'a value of another graph': {
    graph() {
      const graph = sound();
      replace(graph, 1, again(relu(graph), { inputs: [sound().nodes[0]!.outputs[0]!] }));
      return graph;
    },
    says: /%1 relu reads a value that is not earlier/,
  },
  'a value of a later node': {
    graph() {
      const graph = sound();
      replace(graph, 1, again(relu(graph), { inputs: [graph.nodes[3]!.outputs[0]!] }));
      return graph;
    },
    says: /%1 relu reads a value that is not earlier/,
  },
  'a value that its node does not make': {
    graph() {
      const graph = sound();
      const x = graph.nodes[0]!;
      const ghost = new Value(x, 1, { shape: [2, 3], dtype: 'float32' });
      replace(graph, 1, again(relu(graph), { inputs: [ghost] }));
      return graph;
    },
    says: /%1 relu reads a value nobody makes/,
  },
  'an output of another shape than the rule says': {
    graph() {
      const graph = sound();
      const x = graph.nodes[0]!;
      (x.attrs as { shape: number[] }).shape = [3, 2];
      return graph;
    },
    says: /%0 input output 0 has another type/,
  },
  'an operation without a meaning': {
    graph() {
      const graph = sound();
      const { elementwise: _gone, ...empty } = relu(graph).op;
      replace(graph, 1, again(relu(graph), { op: empty }));
      return graph;
    },
    says: /%1 relu must have exactly one meaning/,
  },
  'an operation with two meanings': {
    graph() {
      const graph = sound();
      const double: Op = { ...relu(graph).op, reference: () => [] };
      replace(graph, 1, again(relu(graph), { op: double }));
      return graph;
    },
    says: /%1 relu must have exactly one meaning/,
  },
  'a result of another graph': {
    graph() {
      const graph = sound();
      graph.outputs.set('z', sound().nodes[0]!.outputs[0]!);
      return graph;
    },
    says: /a result belongs to another graph/,
  },
  'a variable that is given another shape': {
    graph() {
      const graph = sound();
      graph.updates.set(weight, graph.outputs.get('y')!);
      return graph;
    },
    says: /variable w is given another type than its own/,
  },
  'a variable that is given another type': {
    graph() {
      const graph = sound();
      const whole = ops.cast(graph.outputs.get('y')!, 'int32');
      graph.updates.set({ ...weight, shape: [2, 3] }, whole);
      return graph;
    },
    says: /variable w is given another type than its own/,
  },
};

describe('broken graphs', () => {
  test('the one they are made from is sound', () => verify(sound(), 'test'));
  for (const [name, { graph, says }] of Object.entries(broken)) {
    test(name, () => {
      const made = graph();
      assert.throws(
        () => verify(made, 'stage'),
        ({ message }: Error) => /^internal: stage: /.test(message) && says.test(message),
      );
    });
  }
});

test('a pass that breaks a graph is named', () => {
  const bad = {
    name: 'careless',
    run(graph: Graph) {
      graph.nodes.reverse();
      return graph;
    },
  };
  assert.throws(() => runPasses(sound(), [bad]), /^Error: internal: careless: /);
});

test('values of two graphs do not mix', () => {
  const [one, other] = [sound(), sound()];
  const apply = () => ops.add(one.outputs.get('y')!, other.outputs.get('y')!);
  assert.throws(apply, /^Error: internal: add: an input belongs to another graph/);
});
