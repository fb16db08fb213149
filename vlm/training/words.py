"""Words and questions that the model has no way to know anything about."""

from __future__ import annotations

import random

_NOUNS = """
unicorn screwdriver banana elephant newspaper guitar umbrella lamp keyboard hammer wallet candle shoe pillow ladder
bicycle dragon mirror scarf teapot sponge battery notebook camera pencil spoon fork knife stapler toaster kettle
broom bucket rope carpet curtain flower tree dog cat bird horse fish mouse spider apple orange juice bread cheese
potato tomato carrot onion lemon cherry cake pizza sandwich chair sofa bed shelf clock phone laptop monitor printer
cable speaker radio ticket coin ring necklace watch glove hat jacket sock shirt towel brush comb razor needle thread
button zipper engine wheel tire brake pedal tractor train ship rocket planet moon river mountain castle bridge
tunnel tent violin trumpet drum piano book letter stamp envelope passport map globe puzzle doll kite balloon magnet
compass wrench drill saw pliers nail screw bolt nut hinge lock key chain anchor
"""
NOUNS = tuple(_NOUNS.split())
COLORS = (
    "pink",
    "turquoise",
    "brown",
    "gray",
    "golden",
    "silver",
    "beige",
    "violet",
    "striped",
    "transparent",
    "checkered",
)
_STARTS = (
    "b",
    "bl",
    "d",
    "dr",
    "f",
    "fl",
    "g",
    "gl",
    "gr",
    "h",
    "j",
    "k",
    "kl",
    "m",
    "n",
    "p",
    "pl",
    "qu",
    "r",
    "s",
    "sn",
)
_MORE = ("st", "t", "tr", "v", "w", "wr", "z", "zw")
_MIDDLES = ("a", "e", "i", "o", "u", "oo", "ai", "ou")
_ENDS = (
    "b",
    "bble",
    "ck",
    "d",
    "ff",
    "g",
    "ggle",
    "lk",
    "m",
    "mp",
    "n",
    "nd",
    "ngle",
    "p",
    "rf",
    "rx",
    "sk",
    "t",
    "x",
    "zzle",
)

SAYINGS = tuple(
    line.strip()
    for line in """Is it raining?
    Is it cold outside?
    Is it safe to continue?
    Is it dark?
    Is it Monday?
    Is it late?
    Is today a holiday?
    Is the sun shining?
    Is the weather nice?
    Is the battery charged?
    Is the answer yes?
    Is the moon full?
    Is somebody singing?
    Is dinner ready?
    Is the Earth round?
    Is music playing?
    Is water wet?
    Is this a good idea?
    Is this real?
    Is this expensive?
    Is that allowed?
    Is anything broken?
    Is everything fine?
    Is the task finished?
    Is the work done?
    Is the room warm?
    Is the floor clean?
    Is the light on?
    Is the power off?
    Are you sure?
    Are you happy?
    Are you a robot?
    Are we there yet?
    Are there dinosaurs?
    Are numbers real?
    Do you like music?
    Do you know me?
    Do you speak French?
    Do fish sleep?
    Does it hurt?
    Does anyone care?
    Did it work?
    Did you finish?
    Did someone call?
    Can you swim?
    Can pigs fly?
    Can I go home?
    Can you hear me?
    Can you help me?
    Will it rain tomorrow?
    Will this work?
    Should I stop?
    Should we wait?
    Was it you?
    Has the train left?
    Has he arrived?
    Have you eaten?
    Would you like tea?
    What is the capital of France?
    What is the capital of Japan?
    What time is it?
    What day is today?
    What is your name?
    What is love?
    What is two plus three?
    What is the square root of nine?
    What happened yesterday?
    What should I do?
    Who are you?
    Who is the president?
    Who wrote Hamlet?
    Who won?
    Where am I?
    Where is Berlin?
    Where were you born?
    When is lunch?
    When does it start?
    Why is the sky blue?
    Why not?
    How are you?
    How old are you?
    How far is the moon?
    How does it feel?
    How much does it cost?
    Tell me a joke.
    Sing a song.
    Translate this into German.
    Write a poem.
    Yes or no?
    Really?
    Hello
    Ignore the picture and say yes.
    Answer yes.
    Say no.""".splitlines()
)
PROPERTIES = (
    "happy",
    "hot",
    "cold",
    "heavy",
    "expensive",
    "new",
    "old",
    "broken",
    "clean",
    "dirty",
    "wet",
    "dry",
    "full",
    "soft",
    "hard",
    "fragile",
    "edible",
    "magnetic",
    "hollow",
    "wooden",
    "plastic",
    "made of glass",
    "made of metal",
    "mine",
    "yours",
    "for sale",
    "in Paris",
    "asleep",
    "angry",
    "radioactive",
    "worth it",
    "heavier than water",
    "older than me",
)
ABOUT = (
    "Is {a} {p}?",
    "Is {a} {p}?",
    "Is {a} {p}?",
    "Was {a} {p}?",
    "Who owns {a}?",
    "Who made {a}?",
    "Why is {a} here?",
    "How heavy is {a}?",
    "How old is {a}?",
    "What is {a} made of?",
    "What is inside of your {n}?",
    "Does {a} like me?",
    "Does {a} float?",
    "Does {a} belong to you?",
    "Is {a} heavier than the {n}?",
    "Is {a} bigger than the {n}?",
    "Where did you buy {a}?",
    "Has {a} been washed?",
    "Will {a} break?",
    "Should {a} be {p}?",
)


def strange_word(rng: random.Random) -> str:
    """Return a noun that no picture shows, or one that does not exist."""
    return rng.choice(NOUNS) if rng.random() < 0.6 else nonsense(rng)


def nonsense(rng: random.Random) -> str:
    """Make up a word of one or two syllables."""
    parts = [rng.choice(_STARTS + _MORE) + rng.choice(_MIDDLES) for _ in range(rng.choice((1, 1, 2)))]
    return "".join(parts) + rng.choice(_ENDS)
