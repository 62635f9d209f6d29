"""Courses of medication for opioid or alcohol use disorder (MAT), out of every EHR's records of it.

An order proves intent, a dispense supply in hand, an administration a dose received, a statement that someone said so.
Taking, dose and coverage are three facts, each by its own proof. Strengths are never summed over products, and silence
is never "stopped".
"""
