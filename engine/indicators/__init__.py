"""Indicators of technical analysis, one candle at a time: floats in, floats out, and None until the window is full.

They are given closed candles only (`read` of a strategy on candles), so no value knows of a candle that forms still.
"""
