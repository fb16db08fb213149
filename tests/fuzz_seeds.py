"""What fuzzing starts from, and the words it puts in; see ``fuzzing.py``."""

from __future__ import annotations

from typing import Final

YAML: Final = [
    """knothole: 1
tree: all
constants: {sides: [left, right]}
inputs: {n: {type: int, default: 3}, goal: {type: pose}}
outputs: {x: {type: any}}
root:
  sequence:
    - for: {item: side, in: $(sides), do: [{say: "$(side) ${x}", name: "$(side)"}]}
    - set: {name: $x, to: "$n + 1 if $n > 2 else [1, 'a', none]"}
      when: {script: "x := 1; x > 0"}
      while: "$n < 5"
      on_success: {bt.Script: {code: "x += 1"}}
      finally: home
    - bt.SubTree: {ID: other, pose: $goal, _autoremap: true}
    - parallel: {success: one, children: [wait: 2s, {see: {question: "Is it red?", max_age: 500ms}}]}
      retry: 3
      timeout: 20s
      meta: {collapsed: "true"} # knothole: ignore K301 because it is a seed
---
tree: other
root: {inverter: {child: {check: "$a and not $b"}}}
""",
    "knothole: 1\ninclude: [a.yaml, {path: b.xml, ros_pkg: p}]\n"
    "nodes: {Do: {kind: action, ports: {x: {direction: in}}}}\n",
    "tree: t\nroot:\n  sequence:\n    - say: |\n        two\n        lines\n    - say: >-\n        folded\n",
]
XML: Final = [
    """<?xml version="1.0"?>
<!-- first -->
<root BTCPP_format="4" main_tree_to_execute="M">
  <include path="other.xml"/>
  <BehaviorTree ID="M" _description="x &amp; y">
    <Sequence name="s" _skipIf="x == 1" _onSuccess="x := 2">
      <Script code="x := 1; y := 'a'"/>
      <Action ID="Go" goal="{goal}" speed="1.5" _while="x &lt; 3"/>
      <SubTree ID="Sub" _autoremap="true" p="{@g}"/>
      <!-- inside -->
      <Fallback><ReactiveSequence><AlwaysFailure/></ReactiveSequence>
      <Inverter><Condition ID="Is"/></Inverter></Fallback>
    </Sequence>
  </BehaviorTree>
  <BehaviorTree ID="Sub"><AlwaysSuccess/></BehaviorTree>
  <TreeNodesModel><Action ID="Go">
    <input_port name="goal" type="Pose" default="1;2;3">where</input_port></Action></TreeNodesModel>
</root>
"""
]
EXPRESSIONS: Final = r"""
$battery > 0.2 and not $held or 'a' in ['a', $c]
1 + 2 * 3 - 4 / 5 // 6 % 7
-(-2) == +2 != 3 <= 4
max(1, $a, min([2, $b])) if len($d) > 2 else round(2.567, 1)
$y.z[-1] not in $d[1]
abs($x - 5cm) < 500ms
[$a, [$a, 'it\'s'], "q"]
$c + $c
[$d, $d]
$@root.a.b[0] == none
true and false or not not $f
$a * $a + $j
""".strip().split("\n")
SCRIPTS: Final = r"""
x := 1; y = x * 2; y > 5 ? 'a' : 'b'
a += 1; b -= 0.5; c *= 2; x /= 3
!(a && b) || ~5 & 3 | 8 ^ 1
@g := 'text' .. 1; x := 0x1F; y := 1.5e-3
a == RED != BLUE <= 3
c += c; c .. c .. c
x := (y := 3) + -x * - - 2
true ? x := 1 : (y := 'it')
a := b := c := 1;;
""".strip().split("\n")

WORDS: Final[list[str]] = [
    *"${}[]()<>&*!%|^~?:;,.-+=/'\"#\\\n\t @\x00\ufeff\u2028\x85é😀",
    *("\r\n", "---\n", "...\n", "%YAML 1.1\n", "| \n", ">+2\n", "9" * 40, " " * 9),
    *r"""
${
$(
$$
$@
&a \
*a
<<: \
!!python/object:os.system \
!!binary \
? \
[&a [*a, *a], *a]
tree: \
root: \
use: \
include: \
/dev/zero
../../etc/passwd
nodes: \
constants: \
params: \
for: \
if: \
do: \
in: 1..999999999
$(sides)
name: \
retry: -1
timeout: 1e999s
nan
inf
-0
1e999
1e-999
0x
true
none
 and \
 or \
 not \
 in \
 if \
 else \
len(
round(
max(
:=
+=
&&
||
..
<!DOCTYPE r [<!ENTITY x "y">]>
<!ENTITY x SYSTEM "file:///etc/passwd">
&x;
&#0;
&#xFFFF;
<![CDATA[
]]>
<?xml version="1.0" encoding="utf-16"?>
<!-- -- -->
</root>
<SubTree ID="M"/>
<include path="fuzz.xml"/>
xmlns:a="b"
 _autoremap="true"
BTCPP_format="3"
""".replace("\\\n", "\n")
    .strip("\n")
    .split("\n"),
]
"""What stands in hostile texts: signs, line ends, and the words of the readers."""
