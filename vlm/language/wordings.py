"""The wordings of instructions: what people say for each act, the usual one first, then others that are common.

Slots: {a} "the red cube", "every red cube" or "everything", {ns} "the red cubes", {b} the place.
"""

from __future__ import annotations

from collections.abc import Iterable

_COMMON = {"Stack the cubes.", "Stack them."}


def common(texts: Iterable[str]) -> tuple[str, ...]:
    """Return those wordings, openings or closings that a recognizer of speech expects: below, those before ``||``."""
    return tuple(text for text in texts if text in _COMMON)


def _parts(text: str) -> tuple[str, ...]:
    first, more = (tuple(" ".join(part.split()).split(" | ")) for part in text.split(" ||"))
    _COMMON.update(first)
    return first + more


INTO = _parts("""
Put {a} into {b}. | Put {a} in {b}. | Put {a} inside {b}. | Place {a} into {b}. | Place {a} in {b}. |
Move {a} into {b}. | Move {a} to {b}. | Drop {a} into {b}. | Lay {a} into {b}. | Take {a} and put it into {b}. |
Can you put {a} into {b}? | I want {a} in {b}. | I need {a} in {b}. | Bring {a} to {b}. | Carry {a} to {b}. |
Transfer {a} to {b}. | Transfer {a} into {b}. | Shift {a} into {b}. | Get {a} into {b}. | Throw {a} into {b}. |
Store {a} in {b}. | Leave {a} in {b}. | Pick up {a} and put it into {b}. | Pick {a} and place it in {b}. |
Grab {a} and drop it into {b}. | {a} belongs in {b}. | {a} goes into {b}. | Make sure that {a} is in {b}. |
See that {a} gets into {b}. | Into {b} with {a}. ||
Toss {a} into {b}. | Chuck {a} in {b}. | Pop {a} into {b}. | Stick {a} in {b}. | Set {a} down in {b}. |
Set {a} inside {b}. | Lower {a} into {b}. | Dump {a} into {b}. | Pack {a} into {b}. | Tuck {a} into {b}. |
Deliver {a} to {b}. | Take {a} to {b}. | Take {a} over to {b}. | Bring {a} over to {b}. | Carry {a} over to {b}. |
Keep {a} in {b}. | Stash {a} in {b}. | Let {a} drop into {b}. | Add {a} to {b}. | Fetch {a} and put it in {b}. |
Get {a} and drop it in {b}. | Lift {a} into {b}. | Lift {a} and lower it into {b}. | Grab {a} and stick it in {b}. |
Collect {a} and leave it in {b}. | Use {b} for {a}. | I'd like {a} in {b}. | I'd like to see {a} in {b}. |
I'd like {a} to be in {b}. | I want to find {a} in {b}. | I'd love to have {a} inside {b}. | {a} should go into {b}. |
{a} must be in {b}. | {a} has to go into {b}. | {a} needs to be inside {b}. | {a} ought to be in {b}. |
{a} goes in {b}. | {a} belongs inside {b}. | {a} should end up in {b}. | {a} can go in {b}. | {a}, into {b}. |
In {b} goes {a}. | {b} is where {a} belongs. | {b} is the place for {a}. | {b} should hold {a}. |
{b} should have {a} in it. | Could {a} go into {b}? | Would you mind putting {a} in {b}? |
How about putting {a} into {b}? | Can we have {a} in {b}? | Can {a} go in {b}? | Let's put {a} in {b}. |
Let's get {a} into {b}. | Don't forget to put {a} into {b}. | Find {a} and put it into {b}. | Make {a} land in {b}. |
Make sure {a} ends up in {b}. | See to it that {a} is in {b}.
""")
ONTO = _parts("""
Put {a} on {b}. | Put {a} onto {b}. | Put {a} on top of {b}. | Place {a} on {b}. | Set {a} on {b}. |
Move {a} onto {b}. | Move {a} to {b}. | Take {a} and put it on {b}. | Can you put {a} on {b}? | I want {a} on {b}. |
I need {a} on {b}. | Bring {a} to {b}. | Transfer {a} onto {b}. | Lay {a} on {b}. | Get {a} onto {b}. |
Balance {a} on {b}. | Pick up {a} and place it on {b}. | Grab {a} and set it on {b}. | {a} belongs on {b}. |
{a} goes on {b}. | Make sure that {a} is on {b}. ||
Pop {a} on {b}. | Stick {a} on {b}. | Set {a} down on {b}. | Put {a} down on {b}. | Lower {a} onto {b}. |
Drop {a} on {b}. | Drop {a} onto {b}. | Lift {a} onto {b}. | Serve {a} on {b}. | Shift {a} onto {b}. |
Leave {a} on {b}. | Place {a} on top of {b}. | Set {a} on top of {b}. | Take {a} over to {b}. | Carry {a} to {b}. |
Carry {a} over to {b}. | Let {a} rest on {b}. | Lift {a} and set it down on {b}. | Fetch {a} and put it on {b}. |
Get {a} and lay it on {b}. | Find {a} and put it on {b}. | I'd like {a} on {b}. | I'd like {a} on top of {b}. |
I'd like to see {a} on {b}. | I want to see {a} on top of {b}. | {a} should go onto {b}. |
{a} should sit on top of {b}. | {a} must be on {b}. | {a} has to go on {b}. | {a} needs to be on {b}. |
{a} goes on top of {b}. | {a}, onto {b}. | Onto {b} with {a}. | On {b} goes {a}. | {b} is where {a} goes. |
{b} should have {a} on it. | Could {a} go on {b}? | Would you mind putting {a} on {b}? |
How about putting {a} on {b}? | Can we have {a} on {b}? | Let's put {a} on {b}. | Don't forget to put {a} on {b}. |
Make sure {a} ends up on {b}. | See to it that {a} is on {b}.
""")
STACK = _parts("""
Stack {a} on {b}. | Stack {a} onto {b}. | Stack {a} on top of {b}. ||
Pile {a} on {b}. | Pile {a} on top of {b}. | Balance {a} on top of {b}. | Build a stack with {a} on {b}. |
Make a tower with {a} on {b}. | Make a stack with {a} on top of {b}. | I want {a} stacked on {b}. |
I'd like {a} stacked on top of {b}. | Let's stack {a} on {b}. | Would you mind stacking {a} on {b}? |
{b} should carry {a}. | {a} should stand on {b}.
""")
GATHER = _parts("""
Put {ns} into {b}. | Collect {ns} in {b}. | Gather {ns} in {b}. | Clear {ns} into {b}. | Move {ns} to {b}. |
Bring {ns} to {b}. | Throw {ns} into {b}. | Store {ns} in {b}. ||
Gather up {ns} and put them in {b}. | Collect {ns} and put them into {b}. | Pick up {ns} and drop them in {b}. |
Take {ns} and put them in {b}. | Tidy {ns} into {b}. | Sweep {ns} into {b}. | Toss {ns} into {b}. |
Pop {ns} into {b}. | Pack {ns} into {b}. | Load {b} with {ns}. | Fill {b} with {ns}. | Get {ns} into {b}. |
Get all {ns} into {b}. | Bring {ns} together in {b}. | Find {ns} and put them into {b}. | {ns} go into {b}. |
{ns} belong in {b}. | {ns} all go in {b}. | {ns} should be in {b}. | All {ns} should end up in {b}. |
I want {ns} in {b}. | I want to see all {ns} in {b}. | I'd like {ns} together in {b}. | Let's gather {ns} in {b}. |
Into {b} with {ns}. | Would you mind collecting {ns} in {b}? | Don't leave any of {ns} out of {b}.
""")
_TIDY = _parts("""
Clean up the table. | Tidy the table. | Tidy up the table. | Clear the table. | Clean the table. | Clean up. |
Tidy up. | Put everything away. | Put all loose objects away. | Clear everything away. | Clean up the kitchen. |
Clean the kitchen. | Tidy the kitchen. | Make the table tidy. | Clear up the table. | Clean up this mess. |
Get the table clean. | Put all the things away. | Put the things away. | Empty the table. |
Bring the table in order. | The table should be empty. | Get everything off the table. |
Take everything off the table. ||
Clear up. | Clear away. | Tidy away. | Tidy things up. | Tidy everything up. | Tidy up in here. | Tidy up the place. |
Tidy up a bit. | Tidy this up. | Clean this up. | Clear this up. | Clean off the table. | Clean up the workspace. |
Clear the workspace. | Clear the desk. | Tidy the desk. | Pack everything away. | Pack things away. |
Put it all away. | Put all of this away. | Put this stuff away. | Put everything back where it belongs. |
Put things in their place. | Store everything away. | Remove everything from the table. |
Remove the clutter from the table. | Get rid of the clutter. | Get rid of this mess. | Get the table cleared. |
Make the table empty. | Make some room on the table. | Make space on the table. | Bring some order to the table. |
Make it tidy in here. | Free up the table. | Sort out this mess. | Take care of the mess on the table. |
Do the tidying up. | Leave nothing on the table. | Leave the table empty. | Don't leave anything on the table. |
Don't leave things lying around. | Nothing should be left on the table. | Nothing should lie on the table. |
Nothing should stay on the table. | No objects should be left on the table. | There should be nothing on the table. |
There should be no clutter on the table. | There's too much stuff on the table. | There's a mess on the table. |
The table is a mess. | The table is too full. | The table needs clearing. | The table needs to be cleaned up. |
The table should be tidy. | The table should be clear. | Everything should be put away. |
Everything has to come off the table. | All things should be off the table. | What a mess. | It's messy in here. |
This table needs tidying. | I want a clean table. | I want the table empty. | I want the table tidy. |
I need a clear table. | I'd like the table to be tidy. | I don't want anything on the table. |
I need the table free. | Let's tidy up. | Let's clean up. | Let's clear the table. | Time to tidy up. |
Could the table be cleared? | Would you mind tidying up? | Would you mind clearing the table? | How about cleaning up?
""")
_STACKS = _parts("""
Stack {ns}. | Stack all {ns}. | Stack up {ns}. | Build a tower of {ns}. | Make a tower out of {ns}. | Pile up {ns}. |
Pile {ns}. | Put {ns} on top of each other. | Place {ns} on each other. | Make a stack of {ns}. |
Make a tower of {ns}. | Build a stack out of {ns}. | Put {ns} one on another. ||
Stack {ns} up. | Stack up all {ns}. | Stack {ns} together. | Stack {ns} on top of each other. |
Stack {ns} on one another. | Stack {ns} in a pile. | Pile {ns} up. | Pile up all {ns}. |
Pile {ns} on top of one another. | Put {ns} in a pile. | Put {ns} in a stack. | Put {ns} into one tower. |
Put {ns} on one another. | Put {ns} one on top of the other. | Place {ns} one above the other. |
Set {ns} on top of each other. | Arrange {ns} as a stack. | Use {ns} to build a tower. | Use {ns} for a tower. |
Take {ns} and build a tower. | Build a tower from {ns}. | Build a tower with {ns}. | Build a tower using all {ns}. |
Build one tower of all {ns}. | Build me a tower from {ns}. | Build a pile of {ns}. | Make a pile of {ns}. |
Make one pile out of {ns}. | Make me a stack of {ns}. | Make a tower with {ns}. | Form a tower of {ns}. |
Form a stack from {ns}. | Create a tower out of {ns}. | Create a stack of {ns}. | Erect a tower of {ns}. |
I want a tower of {ns}. | I want {ns} stacked. | I want {ns} on top of each other. | I'd like a stack of {ns}. |
I'd like to see {ns} stacked up. | {ns} should be stacked. | {ns} should form a tower. |
{ns} should be on top of each other. | There should be a tower of {ns}. | Let's stack {ns}. |
Let's build a tower of {ns}. | Would you mind stacking {ns}? | How about a tower of {ns}? |
Can we have a tower of {ns}?
""")
_FETCH = _parts("""
Pick up {a}. | Pick {a} up. | Pick {a}. | Bring me {a}. | Bring {a}. | Hand me {a}. | Hand over {a}. |
Hand {a} over. | Give me {a}. | Get {a}. | Fetch {a}. | Grab {a}. | Take {a}. | Lift {a}. | Can you give me {a}? |
Give {a} to me. | Pass me {a}. | I need {a}. | I want {a}. | I would like {a}. | Bring {a} to me. | Hand {a} to me. |
Get me {a}. | Fetch me {a}. | Pick up {a} and hold it. | Hold {a}. | Raise {a}. | Lift {a} up. | Let me have {a}. |
May I have {a}? ||
Pass {a}. | Pass {a} to me. | Pass over {a}. | Bring {a} here. | Bring {a} over. | Bring {a} over here. |
Bring over {a}. | Bring me {a} over here. | Get {a} for me. | Get hold of {a}. | Get ahold of {a}. | Grab me {a}. |
Grab hold of {a}. | Grasp {a}. | Grip {a}. | Catch {a}. | Take hold of {a}. | Take {a} in your hand. |
Take {a} into your gripper. | Take up {a}. | Lift up {a}. | Hold up {a}. | Hold {a} up. | Hold on to {a}. |
Raise {a} up. | Pick me up {a}. | Pick up {a} for me. | Pick up {a} and give it to me. | Pick out {a}. | Go get {a}. |
Go get me {a}. | Go fetch {a}. | Reach me {a}. | Lend me {a}. | Close your gripper around {a}. |
Have {a} in your gripper. | Give me {a} over here. | Let me get {a}. | Let me hold {a}. | I'd like {a}. |
I'd like to have {a}. | I would love to have {a}. | I want to have {a}. | I want to hold {a}. | I need to have {a}. |
I'll take {a}. | I have to have {a}. | I am in need of {a}. | I wish I had {a}. | Can I have {a}? | Can I get {a}? |
Could I have {a}? | Might I have {a}? | May I get {a}? | Would you mind handing me {a}? |
Would you mind getting me {a}? | Would you mind passing {a}? | How about giving me {a}? | Mind passing me {a}? |
{a} should be in your gripper.
""")
_EMPTY = _parts("""
Empty {b}. | Clear {b}. | Take everything out of {b}. | Take everything off {b}. | Unload {b}. |
Remove everything from {b}. | Clear out {b}. | Clean out {b}. | Get everything out of {b}. | Get everything off {b}. |
Take all things out of {b}. | Unload everything from {b}. | Make {b} empty. | {b} should be empty. |
Remove what is in {b}. | Nothing should be in {b}. ||
Remove what is on {b}. | Nothing should be on {b}. | Empty out {b}. | Empty {b} out. | Empty {b} completely. |
Clear {b} out. | Clear off {b}. | Clear everything out of {b}. | Clear everything off {b}. |
Clear all things from {b}. | Unpack {b}. | Unload all things from {b}. | Free up {b}. | Strip {b} bare. |
Make room in {b}. | Make room on {b}. | Make space in {b}. | Make {b} free. | Move everything out of {b}. |
Move everything off {b}. | Lift everything out of {b}. | Pull everything out of {b}. | Pick everything out of {b}. |
Put everything from {b} on the table. | Put the contents of {b} on the table. | Take the contents out of {b}. |
Take all of the things out of {b}. | Take all of the things off {b}. | Take whatever is in {b} out. |
Take whatever is on {b} away. | Take out everything in {b}. | Take away everything on {b}. |
Take away everything from {b}. | Get whatever is in {b} out of it. | Get all objects out of {b}. |
Get all objects off {b}. | Get the things out of {b}. | Get the stuff out of {b}. | Get the stuff off {b}. |
Get {b} empty. | Remove all objects from {b}. | Remove the contents of {b}. | Remove all that is in {b}. |
Remove all that is on {b}. | Leave {b} empty. | Don't leave anything in {b}. | Don't leave anything on {b}. |
Don't keep anything in {b}. | There should be nothing in {b}. | There should be nothing on {b}. |
There should be no objects in {b}. | Nothing should be left in {b}. | Nothing should be left on {b}. |
Nothing should stay in {b}. | Nothing should stay on {b}. | No object should be in {b}. |
No object should be on {b}. | Everything in {b} should come out. | Everything on {b} should come off. |
Everything has to come out of {b}. | {b} must be empty. | {b} needs to be empty. | {b} needs emptying. |
{b} ought to be empty. | {b} should be cleared. | {b} should have nothing in it. | {b} should have nothing on it. |
{b} is too full. | I want {b} empty. | I want nothing in {b}. | I want nothing on {b}. | I need {b} empty. |
I'd like {b} to be empty. | I'd like {b} emptied. | I don't want anything in {b}. | I don't want anything on {b}. |
Let's empty {b}. | Let's clear {b}. | Would you mind emptying {b}? | Could {b} be emptied? | How about emptying {b}?
""")
_SORT = _parts("""
Sort by color. | Sort the objects by color. | Sort everything by color. | Sort the table by color. |
Put every object into the container of its color. | Put everything where its color is. | Group the objects by color. |
Sort all objects by their color. | Arrange the objects by color. | Separate the objects by color. |
Every object goes into the container of its color. | Match the objects to the containers by color. |
Sort the things into the containers of the same color. ||
Sort things by color. | Sort the colors. | Sort the colors out. | Sort all of this by color. |
Sort all things by color. | Sort according to color. | Sort everything according to its color. |
Sort everything into the container of its color. | Sort everything into containers by color. |
Sort the objects into matching containers. | Sort these by color. | Sort the items by their colors. |
Color sort the objects. | Do a color sort. | Divide the objects by color. | Split the objects by color. |
Split everything up by color. | Separate the colors. | Separate the things by color. | Organize everything by color. |
Order the objects by color. | Distribute everything to the container of its color. | Arrange everything by color. |
Arrange the table by color. | Group everything by color. | Group things by their color. | Group the colors. |
Match the colors. | Match everything by color. | Match each object with the container of its color. |
Match each object to its container. | Put the colors together. | Put same colors together. |
Put like with like by color. | Put things with their color. | Put each thing into the container of its color. |
Put each object in the container with the same color. | Put every object in the container that has its color. |
Put everything into the container that matches its color. | Put all things into containers of the same color. |
Put the objects into the containers that match. | Place each object in the container of the same color. |
Place everything by color. | Move every object to the container of its color. |
Bring every object to the container of its color. | Bring the same colors together. | Keep the colors apart. |
Don't mix the colors. | Don't leave the colors mixed. | Each object belongs in the container of its color. |
Each thing should be in the container of its color. | Each color goes in its own container. |
Every color should go into its own container. | Everything should be sorted by color. |
Everything should be with its color. | Everything belongs in the container of its color. |
The objects should be sorted by color. | The colors should be separated. | The colors should match. |
Colors belong together. | Red goes to red and blue to blue. | Red to red, green to green, blue to blue. |
Same color, same container. | There should be one color in each container. | I want everything sorted by color. |
I want the objects sorted by color. | I want the colors separated. | I'd like the objects grouped by color. |
I'd like everything with its own color. | Let's sort by color. | Let's sort everything by color. |
Time to sort by color. | Would you mind sorting by color? | Would you mind sorting the objects by color? |
How about sorting by color?
""")
_LOOK = _parts("""
Look at {a}. | Point at {a}. | Point to {a}. | Turn to {a}. | Turn towards {a}. | Show me {a}. | Take a look at {a}. |
Have a look at {a}. | Watch {a}. | Face {a}. | Focus on {a}. | Aim at {a}. ||
Look towards {a}. | Look toward {a}. | Look over at {a}. | Look in the direction of {a}. | Look closely at {a}. |
Stare at {a}. | Glance at {a}. | Peek at {a}. | Observe {a}. | View {a}. | Check out {a}. | Have a peek at {a}. |
Have a closer look at {a}. | Take a closer look at {a}. | Take a peek at {a}. | Take {a} into view. |
Turn your head to {a}. | Turn your head towards {a}. | Turn your camera to {a}. | Turn the camera towards {a}. |
Turn your attention to {a}. | Turn and face {a}. | Point the camera at {a}. | Point your head at {a}. |
Point your finger at {a}. | Point out {a}. | Point towards {a}. | Aim the camera at {a}. | Aim your eyes at {a}. |
Direct your gaze to {a}. | Direct the camera at {a}. | Keep your eyes on {a}. | Keep watching {a}. |
Fix your eyes on {a}. | Set your eyes on {a}. | Show me where {a} is. | Pay attention to {a}. | Eyes on {a}. |
I want you looking at {a}. | I want to be shown {a}. | I'd like you facing {a}. | Let me see {a}. |
Let's look at {a}. | Let's have a look at {a}. | Could you be looking at {a}? | Would you mind looking at {a}? |
How about a look at {a}? | Your eyes should be on {a}.
""")
_HELLO = _parts("""
Say hello. | Say hi. | Hello. | Greet me. | Hello there. ||
Hi. | Hi there. | Hey there. | Hello robot. | Hi robot. | Good morning. | Good day. | Good evening. |
Say hello to me. | Say hello to us. | Say hi to everyone. | Give me a greeting. | Let's say hello. | Greetings.
""")
_HOME = _parts("""
Go home. | Go back home. | Move home. | Return home. | Move back to the home position. | Go to the home position. |
Return to the start. ||
Come home. | Head home. | Drive home. | Move to your home position. | Move back home. | Return to home. |
Return to the home position. | Return to your starting position. | Return to rest. | Go to rest. |
Go to your rest position. | Go back to the rest position. | Go back to the start. | Go back to where you started. |
Go back to your starting pose. | Move to the rest pose. | Move your arm back home. | Bring your arm home. |
Bring the arm back to rest. | Put your arm back. | Put your arm in the rest position. | Rest your arm. |
Park your arm. | Park the arm. | Take your resting pose. | Take the home position. | I want you back home. |
Your arm should be at rest. | The arm should go home. | Let's go home. | Time to go home. |
Would you mind going home? | Back to the start.
""")
WORDINGS: dict[str, tuple[str, ...]] = {
    "put": INTO + ONTO + STACK,
    "tidy": _TIDY,
    "stack": _STACKS,
    "fetch": _FETCH,
    "empty": _EMPTY,
    "sort": _SORT,
    "look": _LOOK,
    "hello": _HELLO,
    "home": _HOME,
}
OPENINGS = _parts("""
Can you | Could you | Would you | I want you to | I would like you to | You should | Your task is to |
Your job is to | Robot, | Next, | Now | First, | Go and | Please | Please go and ||
Will you | Could you please | Would you please | Can you please | Can you go and | Could you kindly |
Do you think you could | Why don't you | Kindly | Just | Quickly | Carefully | Go ahead and | Come on, | Hey, |
Hey robot, | OK, | OK robot, | Okay, | Alright, | So, | Then | Be a dear and | Be good and | I need you to |
I'd like you to | I'd be glad if you could | I'd be happy if you could | It would help if you could |
It'd be great if you could | You have to | You need to | You must | You can | You may | You'd better | It's time to |
It's your turn to | Time to | Try to | Help me and | When you can, | When you have time, | If you can, | Listen, |
My wish is that you
""")
"""What an order may begin with, before its verb."""
CLOSINGS = _parts("""
please | now | for me | right away | at once | carefully | gently | slowly | quickly | thanks ||
thank you | thank you very much | if you can | if you please | if you don't mind | would you | will you |
when you can | when you have time | immediately | straight away | as soon as possible | robot | next | first | then |
with care | okay | for us | my friend
""")
"""What it may end with."""
