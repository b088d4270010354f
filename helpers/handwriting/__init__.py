"""A picture of a character, or a page of them, as a network wants it, and what it reads there."""

from helpers.handwriting.prepare import STEPS as STEPS
from helpers.handwriting.prepare import prepare as prepare
from helpers.handwriting.prepare import read as read
from helpers.handwriting.prepare import read_page as read_page
from helpers.handwriting.words import Words as Words
